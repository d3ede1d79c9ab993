// All modules at once, each on threads of its own: what a sanitizer should see.

#include <thread>

#include "host.hpp"

using std::string;
using std::vector;

using mesos::Hook;
using mesos::ResourceUsage;

using mesos::slave::ContainerConfig;
using mesos::slave::Isolator;
using mesos::slave::ResourceEstimator;

using process::Future;

namespace host {
namespace {

const size_t THREADS = 4;
const size_t ROUNDS = 25;

string executor(size_t thread, size_t round)
{
  return "e" + std::to_string(thread) + "-" + std::to_string(round);
}


// Containers of Mesos: each says one thing and ends.
void containers(Isolator* isolator, size_t thread)
{
  for (size_t round = 0; round < ROUNDS; round++) {
    const mesos::ContainerID id = containerId({executor(thread, round)});
    ContainerConfig config;
    *config.mutable_executor_info() =
        executorInfo("f", executor(thread, round));
    const auto launch = isolator->prepare(id, config);
    EXPECT(launch.isReady() && launch.get().isSome());
    send(launch.get().get().environment(), "hits:1|c");
    EXPECT(isolator->cleanup(id).isReady());
  }
}


// Containers of Docker, which are silent.
void dockerContainers(Hook* hook, const string& directory)
{
#if STATS_MESOS_SINCE(1, 0)
  for (size_t round = 0; round < ROUNDS; round++) {
    const string name = executor(THREADS, round);
    const auto launch = hook->STATS_DOCKER_DECORATOR(
        None(),
        executorInfo("f", name),
        "mesos-" + name,
        directory + "/slaves/s/frameworks/f/executors/e/runs/" + name,
        "/mnt/mesos/sandbox",
        None());
    EXPECT(launch.isReady() && launch.get().isSome());
    mesos::FrameworkInfo framework;
    framework.mutable_id()->set_value("f");
    EXPECT(!hook->slaveRemoveExecutorHook(framework, executorInfo("f", name))
                .isError());
  }
#else
  static_cast<void>(hook);
  static_cast<void>(directory);
#endif
}


void measurements(ResourceEstimator* estimator)
{
  for (size_t round = 0; round < ROUNDS; round++) {
    EXPECT(estimator->oversubscribable().isReady());
  }
}


Future<ResourceUsage> usage()
{
  ResourceUsage usage;
  ResourceUsage::Executor* executor = usage.add_executors();
  *executor->mutable_executor_info() = executorInfo("f", "measured");
  *executor->mutable_container_id() = containerId({"measured"});
  executor->mutable_statistics()->set_timestamp(1472688000);
  executor->mutable_statistics()->set_processes(3);
  return usage;
}


void allModulesOnManyThreads(const Library& library)
{
  Node node;
  const Pairs pairs = node.parameters();
  Isolator* isolator =
      library.create<Isolator>("com_mesosphere_StatsIsolatorModule", pairs);
  Hook* hook = library.create<Hook>("com_mesosphere_StatsEnvHook", pairs);
  ResourceEstimator* estimator = library.create<ResourceEstimator>(
      "com_mesosphere_StatsResourceEstimatorModule",
      pairs);
  EXPECT(isolator != nullptr && hook != nullptr && estimator != nullptr);
  EXPECT(!estimator->initialize(usage).isError());
  EXPECT(isolator->recover({}, {}).isReady());
  EXPECT(!hook->slaveAttributesDecorator(mesos::SlaveInfo()).isSome());

  vector<std::thread> threads;
  for (size_t thread = 0; thread < THREADS; thread++) {
    threads.emplace_back(containers, isolator, thread);
  }
  threads.emplace_back(dockerContainers, hook, node.directory);
  threads.emplace_back(measurements, estimator);

  std::map<string, size_t> heard;
  for (const string& line : node.lines(THREADS * ROUNDS + ROUNDS)) {
    heard[line]++;
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (size_t thread = 0; thread < THREADS; thread++) {
    for (size_t round = 0; round < ROUNDS; round++) {
      const string name = executor(thread, round);
      EXPECT_EQ(
          heard
              ["hits:1|c|#framework_id:f,executor_id:" + name +
               ",container_id:" + name],
          1u);
    }
  }
  EXPECT_EQ(
      heard["usage.processes:3|g|#framework_id:f,executor_id:measured,"
            "container_id:measured"],
      ROUNDS);
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 0u);
}

} // namespace {


vector<Scenario> threadScenarios()
{
  return {{"all_modules_on_many_threads", allModulesOnManyThreads}};
}

} // namespace host {
