// The Hook: gives the containers of the Docker containerizer, which asks no
// isolator, their endpoints, and takes them back.

#include <map>
#include <string>

#include <mesos/hook.hpp>
#include <mesos/module.hpp>

#include <mesos/module/hook.hpp>

#include <stout/result.hpp>
#include <stout/try.hpp>

#include "stats/mesos_compat.hpp"
#include "stats/module.hpp"

using std::map;
using std::string;

using mesos::Attributes;
using mesos::ExecutorInfo;
using mesos::FrameworkInfo;
using mesos::SlaveInfo;
using mesos::TaskInfo;

using process::Future;

namespace stats {
namespace {

class StatsEnvHook : public compat::Hook
{
public:
  // Decorates nothing: the agent asks for it when it has created all modules
  // and before it launches anything.
  Result<Attributes> slaveAttributesDecorator(const SlaveInfo&) override
  {
    startOrExit();
    return None();
  }

  Future<Option<compat::DockerLaunch>> STATS_DOCKER_DECORATOR(
      const Option<TaskInfo>&,
      const ExecutorInfo& executor,
      const string& containerName,
      const string& sandboxDirectory,
      const string&,
      const Option<map<string, string>>&) override
  {
    rust::Vec<Variable> variables;
    attempt([&]() {
      variables = stats::prepare_docker(
          convert(containerName),
          convert(sandboxDirectory),
          convert(executor.framework_id().value()),
          convert(executor.executor_id().value()));
    });
    if (variables.empty()) {
      return None();
    }
    return compat::dockerLaunch(convert(variables));
  }

  // Called for the executors of all containerizers.
  Try<Nothing> slaveRemoveExecutorHook(
      const FrameworkInfo& framework,
      const ExecutorInfo& executor) override
  {
    attempt([&]() {
      stats::cleanup_docker(
          convert(framework.id().value()),
          convert(executor.executor_id().value()));
    });
    return Nothing();
  }
};


mesos::Hook* createHook(const mesos::Parameters& parameters)
{
  return createModule<mesos::Hook, StatsEnvHook>(parameters);
}

} // namespace {
} // namespace stats {


mesos::modules::Module<mesos::Hook> com_mesosphere_StatsEnvHook(
    MESOS_MODULE_API_VERSION,
    MESOS_VERSION,
    STATS_AUTHOR,
    STATS_EMAIL,
    "Stats Environment Hook module",
    nullptr,
    stats::createHook);
