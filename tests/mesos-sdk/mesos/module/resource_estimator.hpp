#ifndef STAND_IN_MESOS_MODULE_RESOURCE_ESTIMATOR_HPP
#define STAND_IN_MESOS_MODULE_RESOURCE_ESTIMATOR_HPP

#include <mesos/module.hpp>

#include <mesos/slave/resource_estimator.hpp>

namespace mesos {
namespace modules {

template <>
inline const char* kind<mesos::slave::ResourceEstimator>()
{
  return "ResourceEstimator";
}

} // namespace modules {
} // namespace mesos {

#endif // STAND_IN_MESOS_MODULE_RESOURCE_ESTIMATOR_HPP
