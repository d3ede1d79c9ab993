// The Isolator, with what an agent passes it and with what it should not.

#include "host.hpp"

#include <sys/resource.h>

#include <chrono>

using std::string;
using std::vector;

using mesos::slave::ContainerConfig;
using mesos::slave::ContainerLaunchInfo;
using mesos::slave::ContainerState;
using mesos::slave::Isolator;

namespace host {
namespace {

typedef vector<string> Path;

// An isolator of an agent that has started.
Isolator* start(
    const Library& library,
    const Node& node,
    const Pairs& more = Pairs(),
    const stats::compat::ContainerStates& states = {},
    const hashset<mesos::ContainerID>& orphans = {})
{
  Isolator* isolator = library.create<Isolator>(
      "com_mesosphere_StatsIsolatorModule",
      node.parameters(more));
  EXPECT(isolator != nullptr);
  EXPECT(isolator->recover(states, orphans).isReady());
  return isolator;
}


ContainerConfig config(const string& framework, const string& executor)
{
  ContainerConfig config;
  *config.mutable_executor_info() = executorInfo(framework, executor);
  return config;
}


ContainerState state(const Path& path, bool hasExecutor = true)
{
  ContainerState state;
  *state.mutable_container_id() = containerId(path);
  if (hasExecutor) {
    *state.mutable_executor_info() = executorInfo("f", "e");
  }
  return state;
}


Option<ContainerLaunchInfo>
launch(Isolator* isolator, const Path& path, const ContainerConfig& config)
{
  const auto launch = isolator->prepare(containerId(path), config);
  EXPECT(launch.isReady());
  return launch.get();
}


// The environment of a container, which must have an endpoint.
mesos::Environment
environment(Isolator* isolator, const Path& path, const ContainerConfig& config)
{
  const auto info = launch(isolator, path, config);
  EXPECT(info.isSome());
  return info.get().environment();
}


string files(const Node& node)
{
  vector<string> names = filesIn(node.directory + "/containers");
  std::sort(names.begin(), names.end());
  string all;
  for (const string& name : names) {
    all += name + " ";
  }
  return all;
}


void aContainersLife(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  EXPECT(isolator->supportsNesting());
  EXPECT(isolator->supportsStandalone());
  const auto endpoint = environment(isolator, {"c"}, config("f", "e"));
  EXPECT_EQ(
      text(endpoint),
      "STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT=" +
          value(endpoint, "STATSD_UDP_PORT"));
  const auto other = environment(isolator, {"c2"}, config("f2", "e2"));
  EXPECT(text(other) != text(endpoint));
  send(endpoint, "hits:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "hits:1|c|#framework_id:f,executor_id:e,container_id:c");
  send(other, "hits:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "hits:1|c|#framework_id:f2,executor_id:e2,container_id:c2");
  EXPECT_EQ(files(node), "c c2 ");
  EXPECT(isolator->watch(containerId({"c"})).isPending());
  EXPECT(isolator->cleanup(containerId({"c"})).isReady());
  EXPECT_EQ(files(node), "c2 ");
  EXPECT(isolator->cleanup(containerId({"c2"})).isReady());
  EXPECT(isolator->watch(containerId({"c"})).isPending());
}


// The task of a command task with an image does not inherit everything.
void imagesGetTheVariablesToo(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  ContainerConfig image = config("f", "e");
  image.mutable_task_info();
  auto info = launch(isolator, {"c"}, image).get();
  EXPECT(!info.has_task_environment());
  image.set_rootfs("/image");
  info = launch(isolator, {"c"}, image).get();
  EXPECT_EQ(text(info.task_environment()), text(info.environment()));
}


void nestedContainersHaveTheIdentityOfTheirExecutor(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  environment(isolator, {"root"}, config("f", "e"));
  const auto nested =
      environment(isolator, {"root", "task"}, ContainerConfig());
  send(nested, "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f,executor_id:e,container_id:task");
  // Its own identity comes first, and ids are unique among siblings only.
  const auto own =
      environment(isolator, {"root", "task", "task"}, config("f2", "e2"));
  EXPECT(text(own) != text(nested));
  send(own, "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f2,executor_id:e2,container_id:task");
}


void nestedContainersAreKnownAfterARestart(const Library& library)
{
  Node node;
  const int status = runInChild([&]() {
    Isolator* isolator = start(library, node);
    const auto root = environment(isolator, {"root"}, config("f", "e"));
    const auto nested =
        environment(isolator, {"root", "old"}, ContainerConfig());
    std::ofstream(node.directory + "/port") << text(root);
    // As the old module would have stored it: who it is must come from Mesos.
    for (const string& file : filesIn(node.directory + "/containers")) {
      const string path = node.directory + "/containers/" + file;
      if (content(path).find("\"old\"") != string::npos) {
        std::ofstream(path)
            << "{\"container_id\":\"old\",\"statsd_host\":\"127.0.0.1\","
            << "\"statsd_port\":" << value(nested, "STATSD_UDP_PORT") << "}";
      }
    }
    kill(getpid(), SIGKILL);
  });
  EXPECT(WIFSIGNALED(status));
  // Mesos lists them in any order.
  Isolator* isolator = start(
      library,
      node,
      {},
      {state({"root", "old"}, false), state({"root"})});
  const auto old = environment(isolator, {"root", "old"}, ContainerConfig());
  const auto fresh = environment(isolator, {"root", "new"}, ContainerConfig());
  send(old, "a:1|c");
  send(fresh, "b:1|c");
  vector<string> lines = node.lines(2);
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines[0], "a:1|c|#framework_id:f,executor_id:e,container_id:old");
  EXPECT_EQ(lines[1], "b:1|c|#framework_id:f,executor_id:e,container_id:new");
  EXPECT_EQ(
      text(environment(isolator, {"root"}, config("f", "e"))),
      content(node.directory + "/port"));
  EXPECT_EQ(logged("Container recovery complete"), 2u);
}


void debugContainersGetNothing(const Library& library)
{
#if STATS_MESOS_SINCE(1, 2)
  Node node;
  Isolator* isolator = start(library, node);
  ContainerConfig debug = config("f", "e");
  debug.set_container_class(mesos::slave::ContainerClass::DEBUG);
  EXPECT(launch(isolator, {"root", "check"}, debug).isNone());
  EXPECT(launch(isolator, {"root"}, debug).isNone());
  EXPECT_EQ(files(node), "");
  EXPECT(isolator->cleanup(containerId({"root", "check"})).isReady());
  debug.set_container_class(mesos::slave::ContainerClass::DEFAULT);
  EXPECT(launch(isolator, {"root", "check"}, debug).isSome());
#else
  static_cast<void>(library);
#endif
}


void missingExecutorInfo(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node, {}, {state({"c"}, false)});
  const auto endpoint = environment(isolator, {"c"}, ContainerConfig());
  send(endpoint, "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:,executor_id:,container_id:c");
  // An executor of which Mesos tells nothing but that there is one.
  ContainerConfig empty;
  empty.mutable_executor_info();
  EXPECT(launch(isolator, {"d"}, empty).isSome());
}


void oddIds(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  const string longId(10000, 'x');
  const vector<string> ids = {
      "../../../etc/shadow",
      ".",
      "..",
      "a.b.c",
      "",
      longId,
      "\xff\xfe\x80",
      string("zero\0byte", 9),
      "line\nbreak",
      "a/b",
      "ab",
  };
  for (const string& id : ids) {
    const auto endpoint =
        environment(isolator, {id}, config("f/" + id, "e." + id));
    send(endpoint, "a:1|c");
    const string line = node.lines(1)[0];
    EXPECT_EQ(line.substr(0, 22), "a:1|c|#framework_id:f/");
  }
  EXPECT_EQ(filesIn(node.directory + "/containers").size(), ids.size());
  for (const string& id : ids) {
    EXPECT(isolator->cleanup(containerId({id})).isReady());
  }
  EXPECT_EQ(files(node), "");
  // Bytes that are no UTF-8 do not reach Rust's strings.
  const auto endpoint = environment(isolator, {"\xff"}, config("f", "e"));
  send(endpoint, "a:1|c");
  EXPECT_EQ(
      node.lines(1)[0],
      "a:1|c|#framework_id:f,executor_id:e,container_id:\xef\xbf\xbd");
}


void unknownContainersAreCleanedUp(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  EXPECT(isolator->cleanup(containerId({"never"})).isReady());
  EXPECT(isolator->cleanup(containerId({"never", "nested"})).isReady());
  EXPECT(isolator->cleanup(mesos::ContainerID()).isReady());
  EXPECT_EQ(logged("stays behind"), 0u);
}


void orphansAreForgotten(const Library& library)
{
  Node node;
  mkdir((node.directory + "/containers").c_str(), 0755);
  std::ofstream(node.directory + "/containers/orphan")
      << R"({"container_id":"orphan","statsd_host":"h","statsd_port":1})";
  hashset<mesos::ContainerID> orphans;
  orphans.insert(containerId({"orphan"}));
  orphans.insert(containerId({"unknown", "nested"}));
  Isolator* isolator = start(library, node, {}, {state({"blind"})}, orphans);
  EXPECT_EQ(files(node), "blind ");
  EXPECT(isolator->cleanup(containerId({"orphan"})).isReady());
  EXPECT(isolator->cleanup(containerId({"unknown", "nested"})).isReady());
  EXPECT_EQ(logged("Blindly attempting to re-register container blind"), 1u);
}


void aKnownContainerKeepsItsEndpoint(const Library& library)
{
  Node node;
  Isolator* isolator = start(library, node);
  const auto first = environment(isolator, {"c"}, config("f", "e"));
  const auto second = environment(isolator, {"c"}, config("f", "e"));
  EXPECT_EQ(text(first), text(second));
  // The same modules under their two names are one.
  Isolator* other =
      library.create<Isolator>("com_mesosphere_MetricsIsolatorModule", Pairs());
  EXPECT_EQ(text(environment(other, {"c"}, config("f", "e"))), text(first));
  EXPECT(
      library.create<Isolator>(
          "com_mesosphere_MetricsIsolatorModule",
          {{"listen_port", "1"}}) == nullptr);
}


void anExhaustedRangeFailsNoLaunch(const Library& library)
{
  Node node;
  Isolator* isolator = start(
      library,
      node,
      {{"listen_port_mode", "range"},
       {"listen_port_start", "31996"},
       {"listen_port_end", "31997"}});
  EXPECT(launch(isolator, {"a"}, config("f", "e")).isSome());
  EXPECT(launch(isolator, {"b"}, config("f", "e")).isSome());
  EXPECT(launch(isolator, {"c"}, config("f", "e")).isNone());
  EXPECT_EQ(
      logged("Failed to register container, no statsd endpoint to inject: "
             "container_id[c]"),
      1u);
  EXPECT(isolator->cleanup(containerId({"a"})).isReady());
  EXPECT(isolator->cleanup(containerId({"c"})).isReady());
}


void anUnwritableStateDirectoryFailsNoLaunch(const Library& library)
{
  Node node;
  std::ofstream(node.directory + "/file") << "in the way";
  Pairs parameters = node.parameters();
  parameters[0].second = node.directory + "/file";
  Isolator* isolator = library.create<Isolator>(
      "com_mesosphere_StatsIsolatorModule",
      parameters);
  EXPECT(isolator->recover({}, {}).isReady());
  send(environment(isolator, {"c"}, config("f", "e")), "a:1|c");
  node.lines(1);
  EXPECT(isolator->cleanup(containerId({"c"})).isReady());
  EXPECT_EQ(logged("will lose its endpoint"), 1u);
}


vector<int> openFiles()
{
  vector<int> open;
  for (int fd = 0; fd < 1024; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) {
      open.push_back(fd);
    }
  }
  return open;
}


// A task that is launched by the agent must get none of these files.
void allFilesAreClosedOnExec(const Library& library)
{
  const vector<int> before = openFiles();
  Node node;
  Isolator* isolator =
      start(library, node, {{"listen_port_mode", "ephemeral"}});
  send(environment(isolator, {"c"}, config("f", "e")), "a:1|c");
  node.lines(1);
  size_t ours = 0;
  for (const int fd : openFiles()) {
    if (std::find(before.begin(), before.end(), fd) == before.end()) {
      ours++;
      EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  // epoll, its waker, the sockets of container, output, and receiver.
  EXPECT(ours >= 5);
}


typedef std::chrono::steady_clock Clock;

double microseconds(Clock::time_point start)
{
  return std::chrono::duration<double, std::micro>(Clock::now() - start)
      .count();
}


void print(const string& call, vector<double> times)
{
  std::sort(times.begin(), times.end());
  std::cout << "        " << call << ": p50 " << times[times.size() / 2]
            << " us, p99 " << times[times.size() * 99 / 100] << " us, most "
            << times.back() << " us" << std::endl;
}


// As tests/module/bench.sh asks for it, these are figures of
// docs/performance.md.
void aLaunchAmongAThousandContainers(const Library& library)
{
  const size_t COUNT = 1000;
  rlimit limit;
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);

  Node node;
  Isolator* isolator =
      start(library, node, {{"listen_port_mode", "ephemeral"}});
  for (size_t i = 0; i < COUNT; i++) {
    launch(isolator, {"old-" + std::to_string(i)}, config("f", "e"));
  }
  vector<double> prepare;
  vector<double> cleanup;
  for (size_t i = 0; i < COUNT; i++) {
    const Path path = {"new-" + std::to_string(i)};
    const ContainerConfig configured = config("f", "e");
    Clock::time_point start = Clock::now();
    launch(isolator, path, configured);
    prepare.push_back(microseconds(start));
    start = Clock::now();
    EXPECT(isolator->cleanup(containerId(path)).isReady());
    cleanup.push_back(microseconds(start));
  }
  print("prepare", prepare);
  print("cleanup", cleanup);
}

} // namespace {


vector<Scenario> isolatorScenarios()
{
  return {
      {"a_containers_life", aContainersLife},
      {"images_get_the_variables_too", imagesGetTheVariablesToo},
      {"nested_containers_have_the_identity_of_their_executor",
       nestedContainersHaveTheIdentityOfTheirExecutor},
      {"nested_containers_are_known_after_a_restart",
       nestedContainersAreKnownAfterARestart},
      {"debug_containers_get_nothing", debugContainersGetNothing},
      {"missing_executor_info", missingExecutorInfo},
      {"odd_ids", oddIds},
      {"unknown_containers_are_cleaned_up", unknownContainersAreCleanedUp},
      {"orphans_are_forgotten", orphansAreForgotten},
      {"a_known_container_keeps_its_endpoint", aKnownContainerKeepsItsEndpoint},
      {"an_exhausted_range_fails_no_launch", anExhaustedRangeFailsNoLaunch},
      {"an_unwritable_state_directory_fails_no_launch",
       anUnwritableStateDirectoryFailsNoLaunch},
      {"all_files_are_closed_on_exec", allFilesAreClosedOnExec},
      {"a_launch_among_a_thousand_containers", aLaunchAmongAThousandContainers},
  };
}

} // namespace host {
