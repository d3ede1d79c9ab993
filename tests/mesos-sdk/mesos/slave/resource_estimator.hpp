#ifndef STAND_IN_MESOS_SLAVE_RESOURCE_ESTIMATOR_HPP
#define STAND_IN_MESOS_SLAVE_RESOURCE_ESTIMATOR_HPP

#include <mesos/resources.hpp>

#include <process/future.hpp>

#include <stout/lambda.hpp>
#include <stout/nothing.hpp>
#include <stout/try.hpp>

namespace mesos {
namespace slave {

class ResourceEstimator
{
public:
  virtual ~ResourceEstimator() {}

  virtual Try<Nothing> initialize(
      const lambda::function<process::Future<ResourceUsage>()>& usage) = 0;

  virtual process::Future<Resources> oversubscribable() = 0;
};

} // namespace slave {
} // namespace mesos {

#endif // STAND_IN_MESOS_SLAVE_RESOURCE_ESTIMATOR_HPP
