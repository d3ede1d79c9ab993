// The ResourceEstimator and the Hook.

#include <thread>

#include "host.hpp"

using std::string;
using std::vector;

using mesos::Hook;
using mesos::ResourceStatistics;
using mesos::ResourceUsage;

using mesos::slave::Isolator;
using mesos::slave::ResourceEstimator;

using process::Future;
using process::Promise;

namespace host {
namespace {

ResourceUsage usage(const string& id)
{
  ResourceUsage usage;
  ResourceUsage::Executor* bare = usage.add_executors();
  *bare->mutable_container_id() = containerId({"without statistics"});
  ResourceUsage::Executor* executor = usage.add_executors();
  *executor->mutable_executor_info() = executorInfo("f", "e");
  *executor->mutable_container_id() = containerId({id});
  ResourceStatistics* statistics = executor->mutable_statistics();
  statistics->set_timestamp(1472688000.1239);
  statistics->mutable_net_snmp_statistics()->mutable_ip_stats()->set_forwarding(
      2);
  auto traffic = statistics->add_net_traffic_control_statistics();
  traffic->set_id("eth0");
  traffic->set_backlog(12345678);
  statistics->set_net_rx_bytes(1);
  statistics->mutable_perf()->set_timestamp(1);
  statistics->mutable_perf()->set_duration(1);
  statistics->mutable_perf()->set_cycles(7);
  statistics->set_cpus_limit(0.1);
  statistics->set_processes(3);
  return usage;
}


void expectUsage(const Node& node, const string& id)
{
  const string tags = "|g|#framework_id:f,executor_id:e,container_id:" + id;
  const vector<string> lines = node.lines(6);
  EXPECT_EQ(lines[0], "usage.processes:3" + tags);
  EXPECT_EQ(lines[1], "usage.cpus_limit:0.1" + tags);
  EXPECT_EQ(lines[2], "usage.perf.cycles:7" + tags);
  EXPECT_EQ(lines[3], "usage.net_rx_bytes:1" + tags);
  EXPECT_EQ(lines[4], "usage.traf.eth0.backlog:1.23457e+07" + tags);
  EXPECT_EQ(lines[5], "usage.snmp.ip.forwarding:2" + tags);
}


void usageIsPassedOn(const Library& library)
{
  Node node;
  ResourceEstimator* estimator = library.create<ResourceEstimator>(
      "com_mesosphere_StatsResourceEstimatorModule",
      node.parameters());
  Promise<ResourceUsage> first;
  Promise<ResourceUsage> second;
  Promise<ResourceUsage> third;
  vector<Future<ResourceUsage>> answers = {
      first.future(),
      second.future(),
      third.future()};
  size_t asked = 0;
  EXPECT(
      !estimator->initialize([&]() { return answers.at(asked++); }).isError());

  // The answer is not waited for, and not asked for twice.
  for (int i = 0; i < 3; i++) {
    const Future<mesos::Resources> resources = estimator->oversubscribable();
    EXPECT(resources.isReady());
    EXPECT(resources.get().empty());
  }
  EXPECT_EQ(asked, 1u);

  // It comes on a thread of the agent.
  std::thread([&]() { first.set(usage("c")); }).join();
  expectUsage(node, "c");

  EXPECT(estimator->oversubscribable().isReady());
  EXPECT_EQ(asked, 2u);
  second.fail("no statistics today");
  EXPECT_EQ(
      logged("resource usage of its containers: no statistics today"),
      1u);

  EXPECT(estimator->oversubscribable().isReady());
  EXPECT_EQ(asked, 3u);
  third.set(usage("d"));
  expectUsage(node, "d");
}


void anAgentThatCannotTellUsage(const Library& library)
{
  Node node;
  ResourceEstimator* estimator = library.create<ResourceEstimator>(
      "com_mesosphere_MetricsResourceEstimatorModule",
      node.parameters());
  EXPECT(!estimator
              ->initialize([]() -> Future<ResourceUsage> {
                throw std::runtime_error("no callback");
              })
              .isError());
  EXPECT(estimator->oversubscribable().isReady());
  EXPECT_EQ(logged("no callback"), 1u);
}


// What the agent does around a Docker container.
struct Docker
{
  Docker(const Library& library, const Node& node)
      : hook(library.create<Hook>(
            "com_mesosphere_StatsEnvHook",
            node.parameters())),
        workDir(node.directory + "/work")
  {
    EXPECT(hook != nullptr);
    EXPECT(!hook->slaveAttributesDecorator(mesos::SlaveInfo()).isSome());
  }

  string run(const string& id) const
  {
    return "/slaves/s/frameworks/f/executors/e/runs/" + id;
  }

  // Its variables, or "".
  string launch(const string& name, const string& id, const string& executor)
      const
  {
    const Future<Option<stats::compat::DockerLaunch>> launch =
        hook->STATS_DOCKER_DECORATOR(
            None(),
            executorInfo("f", executor),
            name,
            workDir + run(id),
            "/mnt/mesos/sandbox",
            None());
    EXPECT(launch.isReady());
    if (launch.get().isNone()) {
      return "";
    }
#if STATS_MESOS_SINCE(1, 2)
    const string variables = text(launch.get().get().executorenvironment());
    EXPECT_EQ(text(launch.get().get().taskenvironment()), variables);
    return variables;
#else
    return text(launch.get().get());
#endif
  }

  void remove(const string& framework, const string& executor) const
  {
    mesos::FrameworkInfo info;
    info.mutable_id()->set_value(framework);
    EXPECT(
        !hook->slaveRemoveExecutorHook(info, executorInfo(framework, executor))
             .isError());
  }

  // The agent's records of a container whose framework checkpoints.
  void checkpoint(const string& id) const
  {
    EXPECT_EQ(system(("mkdir -p " + workDir + "/meta" + run(id)).c_str()), 0);
  }

  Hook* hook;
  string workDir;
};


mesos::Environment parse(const string& variables)
{
  mesos::Environment environment;
  std::istringstream stream(variables);
  for (string variable; stream >> variable;) {
    const size_t equals = variable.find('=');
    auto added = environment.add_variables();
    added->set_name(variable.substr(0, equals));
    added->set_value(variable.substr(equals + 1));
  }
  return environment;
}


void dockerContainersGetEndpoints(const Library& library)
{
#if STATS_MESOS_SINCE(1, 0)
  Node node;
  const Docker docker(library, node);
  const string variables = docker.launch("mesos-c", "c", "e");
  EXPECT_EQ(variables.find("STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT="), 0u);
  send(parse(variables), "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f,executor_id:e,container_id:c");
  const string other = docker.launch("mesos-s-S0.d.executor", "d", "e2");
  EXPECT(other != variables);
  send(parse(other), "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f,executor_id:e2,container_id:d");
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 2u);
  // Executors of other containerizers end, too.
  docker.remove("f", "unknown");
  docker.remove("f2", "e");
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 2u);
  docker.remove("f", "e");
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 1u);
  // An executor that comes back leaves nothing of its last run behind.
  EXPECT(!docker.launch("mesos-x", "x", "e2").empty());
  EXPECT_EQ(filesIn(node.directory + "/containers")[0], "x");
#else
  static_cast<void>(library);
#endif
}


void dockerContainersSurviveARestart(const Library& library)
{
#if STATS_MESOS_SINCE(1, 0)
  Node node;
  const int status = runInChild([&]() {
    const Docker docker(library, node);
    const string kept = docker.launch("mesos-kept", "kept", "e1");
    std::ofstream(node.directory + "/kept") << kept;
    docker.checkpoint("kept");
    docker.launch("mesos-not-checkpointed", "not-checkpointed", "e2");
    docker.launch("mesos-over", "over", "e3");
    docker.checkpoint("over");
    std::ofstream(
        docker.workDir + "/meta" + docker.run("over") + "/executor.sentinel");
    kill(getpid(), SIGKILL);
  });
  EXPECT(WIFSIGNALED(status));
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 3u);

  // The isolator, which Mesos tells nothing of them, leaves them alone.
  const Docker docker(library, node);
  Isolator* isolator =
      library.create<Isolator>("com_mesosphere_StatsIsolatorModule", Pairs());
  EXPECT(isolator->recover({}, {}).isReady());
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 1u);
  send(parse(content(node.directory + "/kept")), "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f,executor_id:e1,container_id:kept");
  docker.remove("f", "e1");
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), 0u);
#else
  static_cast<void>(library);
#endif
}

} // namespace {


vector<Scenario> otherScenarios()
{
  return {
      {"usage_is_passed_on", usageIsPassedOn},
      {"an_agent_that_cannot_tell_usage", anAgentThatCannotTellUsage},
      {"docker_containers_get_endpoints", dockerContainersGetEndpoints},
      {"docker_containers_survive_a_restart", dockerContainersSurviveARestart},
  };
}

} // namespace host {
