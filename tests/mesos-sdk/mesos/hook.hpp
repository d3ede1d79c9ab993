#ifndef STAND_IN_MESOS_HOOK_HPP
#define STAND_IN_MESOS_HOOK_HPP

#include <map>
#include <string>

#include <mesos/mesos.hpp>

#include <process/future.hpp>

#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/result.hpp>
#include <stout/try.hpp>

namespace mesos {

class Hook
{
public:
  virtual ~Hook() {}

  virtual process::Future<Option<DockerTaskExecutorPrepareInfo>>
    slavePreLaunchDockerTaskExecutorDecorator(
        const Option<TaskInfo>& taskInfo,
        const ExecutorInfo& executorInfo,
        const std::string& containerName,
        const std::string& containerWorkDirectory,
        const std::string& mappedSandboxDirectory,
        const Option<std::map<std::string, std::string>>& env) = 0;

  virtual Try<Nothing> slaveRemoveExecutorHook(
      const FrameworkInfo& frameworkInfo,
      const ExecutorInfo& executorInfo) = 0;

  virtual Result<Attributes> slaveAttributesDecorator(
      const SlaveInfo& slaveInfo) = 0;
};

} // namespace mesos {

#endif // STAND_IN_MESOS_HOOK_HPP
