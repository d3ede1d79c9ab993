// The differences between releases of Mesos, 0.28 to 1.12, and nothing else.

#ifndef STATS_MESOS_COMPAT_HPP
#define STATS_MESOS_COMPAT_HPP

#include <list>
#include <map>
#include <string>
#include <vector>

#include <mesos/hook.hpp>
#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <mesos/version.hpp>

#include <mesos/slave/isolator.hpp>

#include <process/future.hpp>

#include <stout/none.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>

#define STATS_MESOS_SINCE(major, minor)                                        \
  (MESOS_MAJOR_VERSION_NUM > (major) ||                                        \
   (MESOS_MAJOR_VERSION_NUM == (major) && MESOS_MINOR_VERSION_NUM >= (minor)))

namespace stats {
namespace compat {

#if STATS_MESOS_SINCE(1, 7)
typedef std::vector<mesos::slave::ContainerState> ContainerStates;
#else
typedef std::list<mesos::slave::ContainerState> ContainerStates;
#endif


// An isolator that is asked for all containers, and does nothing.
class Isolator : public mesos::slave::Isolator
{
public:
  // Without `override`: the first appeared with 1.1, the second with 1.5.
  virtual bool supportsNesting() { return true; }
  virtual bool supportsStandalone() { return true; }

#if !STATS_MESOS_SINCE(1, 0)
  // Later releases do it like this themselves.
  virtual process::Future<Nothing> isolate(const mesos::ContainerID&, pid_t)
  {
    return Nothing();
  }

  virtual process::Future<Nothing> update(
      const mesos::ContainerID&,
      const mesos::Resources&)
  {
    return Nothing();
  }

  virtual process::Future<mesos::ResourceStatistics> usage(
      const mesos::ContainerID&)
  {
    return mesos::ResourceStatistics();
  }
#endif
};


// The container this one is nested in, or null.
inline const mesos::ContainerID* parent(const mesos::ContainerID& containerId)
{
#if STATS_MESOS_SINCE(1, 1)
  return containerId.has_parent() ? &containerId.parent() : nullptr;
#else
  static_cast<void>(containerId);
  return nullptr;
#endif
}


// Whether a container only looks at another one: a health check, or a shell.
inline bool isDebug(const mesos::slave::ContainerConfig& config)
{
#if STATS_MESOS_SINCE(1, 2)
  return config.container_class() == mesos::slave::ContainerClass::DEBUG;
#else
  static_cast<void>(config);
  return false;
#endif
}


// Puts variables into a container's environment.
inline void setEnvironment(
    const mesos::slave::ContainerConfig& config,
    const mesos::Environment& environment,
    mesos::slave::ContainerLaunchInfo* launchInfo)
{
  launchInfo->mutable_environment()->CopyFrom(environment);
#if STATS_MESOS_SINCE(1, 2)
  // A command task inherits them from its executor, but if it has an image,
  // the environment of that comes before, unless we add to it.
  if (config.has_task_info() && config.has_rootfs()) {
    launchInfo->mutable_task_environment()->CopyFrom(environment);
  }
#else
  static_cast<void>(config);
#endif
}


// What a hook may answer before the Docker containerizer launches something.
#if STATS_MESOS_SINCE(1, 2)
#define STATS_DOCKER_DECORATOR slavePreLaunchDockerTaskExecutorDecorator
typedef mesos::DockerTaskExecutorPrepareInfo DockerLaunch;

inline DockerLaunch dockerLaunch(const mesos::Environment& environment)
{
  DockerLaunch launch;
  launch.mutable_executorenvironment()->CopyFrom(environment);
  launch.mutable_taskenvironment()->CopyFrom(environment);
  return launch;
}
#else
#define STATS_DOCKER_DECORATOR slavePreLaunchDockerEnvironmentDecorator
typedef mesos::Environment DockerLaunch;

inline DockerLaunch dockerLaunch(const mesos::Environment& environment)
{
  return environment;
}
#endif


#if STATS_MESOS_SINCE(1, 0)
typedef mesos::Hook Hook;
#else
// No hook can add to the environment of a Docker container: this decorator
// appeared with 1.0 and is not called before.
class Hook : public mesos::Hook
{
public:
  virtual process::Future<Option<DockerLaunch>> STATS_DOCKER_DECORATOR(
      const Option<mesos::TaskInfo>&,
      const mesos::ExecutorInfo&,
      const std::string&,
      const std::string&,
      const std::string&,
      const Option<std::map<std::string, std::string>>&)
  {
    return None();
  }
};
#endif

} // namespace compat {
} // namespace stats {

#endif // STATS_MESOS_COMPAT_HPP
