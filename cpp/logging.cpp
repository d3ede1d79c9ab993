#include "stats/logging.hpp"

#include <string>

#include <glog/logging.h>

#include "dcos-stats/src/bridge.rs.h"

namespace stats {

void write(
    Severity severity,
    rust::Str file,
    std::uint32_t line,
    rust::Str text)
{
  // The message keeps the pointer, so the name must end after it.
  const std::string name(file);
  google::LogMessage(
      name.c_str(),
      static_cast<int>(line),
      static_cast<google::LogSeverity>(severity))
      .stream()
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}


std::int32_t verbosity()
{
  // The agent may change it at any time.
  return __atomic_load_n(&FLAGS_v, __ATOMIC_RELAXED);
}

} // namespace stats {
