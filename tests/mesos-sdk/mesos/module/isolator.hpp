#ifndef STAND_IN_MESOS_MODULE_ISOLATOR_HPP
#define STAND_IN_MESOS_MODULE_ISOLATOR_HPP

#include <mesos/module.hpp>

#include <mesos/slave/isolator.hpp>

namespace mesos {
namespace modules {

template <>
inline const char* kind<mesos::slave::Isolator>()
{
  return "Isolator";
}

} // namespace modules {
} // namespace mesos {

#endif // STAND_IN_MESOS_MODULE_ISOLATOR_HPP
