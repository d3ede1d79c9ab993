// The Isolator: gives the containers of the Mesos containerizer their
// endpoints, and takes them back.

#include <mesos/module.hpp>

#include <mesos/module/isolator.hpp>

#include <stout/hashset.hpp>

#include "stats/mesos_compat.hpp"
#include "stats/module.hpp"

using mesos::ContainerID;

using mesos::slave::ContainerConfig;
using mesos::slave::ContainerLaunchInfo;
using mesos::slave::ContainerLimitation;
using mesos::slave::ContainerState;

using process::Future;

namespace stats {
namespace {

class StatsIsolator : public compat::Isolator
{
public:
  // Orphans are no different from containers that are gone: Mesos cleans
  // them up afterwards.
  Future<Nothing> recover(
      const compat::ContainerStates& states,
      const hashset<ContainerID>&) override
  {
    startOrExit();
    attempt([&states]() {
      rust::Vec<Container> alive;
      for (const ContainerState& state : states) {
        alive.push_back(convert(state.container_id(), state));
      }
      stats::recover(std::move(alive));
    });
    return Nothing();
  }

  // Answers at once, and fails no launch: a container without endpoint is
  // better than none.
  Future<Option<ContainerLaunchInfo>> prepare(
      const ContainerID& containerId,
      const ContainerConfig& config) override
  {
    rust::Vec<Variable> variables;
    if (!compat::isDebug(config)) {
      attempt(
          [&]() { variables = stats::prepare(convert(containerId, config)); });
    }
    if (variables.empty()) {
      return None();
    }
    ContainerLaunchInfo launchInfo;
    compat::setEnvironment(config, convert(variables), &launchInfo);
    return launchInfo;
  }

  // Never completes: a limitation would end the container.
  Future<ContainerLimitation> watch(const ContainerID&) override
  {
    return Future<ContainerLimitation>();
  }

  // May be called for containers that were never prepared.
  Future<Nothing> cleanup(const ContainerID& containerId) override
  {
    attempt([&containerId]() { stats::cleanup(convert(containerId)); });
    return Nothing();
  }
};


mesos::slave::Isolator* createIsolator(const mesos::Parameters& parameters)
{
  return createModule<mesos::slave::Isolator, StatsIsolator>(parameters);
}

} // namespace {
} // namespace stats {


mesos::modules::Module<mesos::slave::Isolator>
    com_mesosphere_StatsIsolatorModule(
        MESOS_MODULE_API_VERSION,
        MESOS_VERSION,
        STATS_AUTHOR,
        STATS_EMAIL,
        "Stats Isolator module",
        nullptr,
        stats::createIsolator);


mesos::modules::Module<mesos::slave::Isolator>
    com_mesosphere_MetricsIsolatorModule(
        MESOS_MODULE_API_VERSION,
        MESOS_VERSION,
        STATS_AUTHOR,
        STATS_EMAIL,
        "Metrics Isolator module",
        nullptr,
        stats::createIsolator);
