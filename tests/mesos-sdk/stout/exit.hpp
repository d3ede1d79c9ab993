#ifndef STAND_IN_STOUT_EXIT_HPP
#define STAND_IN_STOUT_EXIT_HPP

#include <stdlib.h>

#include <glog/logging.h>

#define EXIT(status) __Exit(__FILE__, __LINE__, status).stream()

class __Exit
{
public:
  __Exit(const char* file, int line, int _status)
    : message(new google::LogMessage(file, line, google::GLOG_ERROR)),
      status(_status)
  {
    stream() << "EXIT with status " << status << ": ";
  }

  ~__Exit()
  {
    delete message;
    ::exit(status);
  }

  std::ostream& stream() { return message->stream(); }

private:
  google::LogMessage* message;
  int status;
};

#endif // STAND_IN_STOUT_EXIT_HPP
