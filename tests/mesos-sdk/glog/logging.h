// A log on stderr, a line a message: `E file.cpp:12] text`.

#ifndef STAND_IN_GLOG_LOGGING_H
#define STAND_IN_GLOG_LOGGING_H

#include <string.h>
#include <unistd.h>

#include <sstream>
#include <string>

namespace google {

typedef int LogSeverity;

const LogSeverity GLOG_INFO = 0;
const LogSeverity GLOG_WARNING = 1;
const LogSeverity GLOG_ERROR = 2;

class LogMessage
{
public:
  LogMessage(const char* file, int line, LogSeverity severity)
  {
    const char* slash = strrchr(file, '/');
    text << "IWE"[severity] << " " << (slash == nullptr ? file : slash + 1)
         << ":" << line << "] ";
  }

  ~LogMessage()
  {
    const std::string line = text.str() + "\n";
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
      // Nobody could be told.
    }
  }

  std::ostream& stream() { return text; }

private:
  std::ostringstream text;
};

} // namespace google {

// The host has them.
extern int FLAGS_v;
extern bool FLAGS_logtostderr;

#define LOG(SEVERITY)                                                          \
  google::LogMessage(__FILE__, __LINE__, google::GLOG_##SEVERITY).stream()

#endif // STAND_IN_GLOG_LOGGING_H
