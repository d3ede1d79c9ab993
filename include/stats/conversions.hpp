// Mesos' messages as the core takes them, and back. Mesos does not promise
// that its strings are UTF-8; Rust does, so that other bytes become U+FFFD.

#ifndef STATS_CONVERSIONS_HPP
#define STATS_CONVERSIONS_HPP

#include <string>

#include <mesos/mesos.hpp>

#include "dcos-stats/src/bridge.rs.h"

namespace stats {

rust::String convert(const std::string& text);

rust::Vec<Parameter> convert(const mesos::Parameters& parameters);

// The ids of the containers around, outermost first, and its own.
rust::Vec<rust::String> convert(const mesos::ContainerID& containerId);

mesos::Environment convert(const rust::Vec<Variable>& variables);

// A container and its executor, where Mesos tells. `Message` is one of those
// that have an `executor_info`.
template <typename Message>
Container convert(const mesos::ContainerID& containerId, const Message& message)
{
  Container container;
  container.path = convert(containerId);
  if (message.has_executor_info()) {
    const mesos::ExecutorInfo& executor = message.executor_info();
    container.framework_id = convert(executor.framework_id().value());
    container.executor_id = convert(executor.executor_id().value());
  }
  return container;
}

} // namespace stats {

#endif // STATS_CONVERSIONS_HPP
