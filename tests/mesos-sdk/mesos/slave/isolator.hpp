#ifndef STAND_IN_MESOS_SLAVE_ISOLATOR_HPP
#define STAND_IN_MESOS_SLAVE_ISOLATOR_HPP

#include <sys/types.h>

#include <string>
#include <vector>

#include <mesos/mesos.hpp>

#include <process/future.hpp>

#include <stout/hashset.hpp>
#include <stout/none.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>

namespace mesos {
namespace slave {

enum ContainerClass
{
  DEFAULT = 1,
  DEBUG = 2,
};

class ContainerLimitation {};

class ContainerState
{
  STAND_IN_FIELD(ExecutorInfo, executor_info)
  STAND_IN_FIELD(ContainerID, container_id)
};

class ContainerConfig
{
  STAND_IN_FIELD(ExecutorInfo, executor_info)
  STAND_IN_FIELD(TaskInfo, task_info)
  STAND_IN_FIELD(ContainerClass, container_class)
  STAND_IN_FIELD(std::string, rootfs)
};

class ContainerLaunchInfo
{
  STAND_IN_FIELD(Environment, environment)
  STAND_IN_FIELD(Environment, task_environment)
};

class Isolator
{
public:
  virtual ~Isolator() {}
  virtual bool supportsNesting() { return false; }
  virtual bool supportsStandalone() { return false; }

  virtual process::Future<Nothing> recover(
      const std::vector<ContainerState>& states,
      const hashset<ContainerID>& orphans) = 0;

  virtual process::Future<Option<ContainerLaunchInfo>> prepare(
      const ContainerID& containerId,
      const ContainerConfig& containerConfig) = 0;

  virtual process::Future<ContainerLimitation> watch(
      const ContainerID& containerId) = 0;

  virtual process::Future<Nothing> cleanup(
      const ContainerID& containerId) = 0;
};

} // namespace slave {
} // namespace mesos {

#endif // STAND_IN_MESOS_SLAVE_ISOLATOR_HPP
