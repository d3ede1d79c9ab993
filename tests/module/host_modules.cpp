// How modules are found, created and refused.

#include "host.hpp"

using std::string;

using mesos::Hook;

using mesos::slave::Isolator;
using mesos::slave::ResourceEstimator;

namespace host {
namespace {

const char ISOLATOR[] = "com_mesosphere_StatsIsolatorModule";
const char ESTIMATOR[] = "com_mesosphere_StatsResourceEstimatorModule";
const char HOOK[] = "com_mesosphere_StatsEnvHook";

template <typename T>
void expectManifest(
    const Library& library,
    const string& name,
    const string& description)
{
  const auto manifest = library.manifest<T>(name);
  EXPECT_EQ(manifest->authorName, "Mesosphere");
  EXPECT_EQ(manifest->authorEmail, "mesosphere@mesosphere.com");
  EXPECT_EQ(manifest->description, description);
  EXPECT(manifest->compatible == nullptr);
}


void manifests(const Library& library)
{
  expectManifest<Isolator>(library, ISOLATOR, "Stats Isolator module");
  expectManifest<Hook>(library, HOOK, "Stats Environment Hook module");
  expectManifest<ResourceEstimator>(
      library,
      ESTIMATOR,
      "Stats ResourceEstimator module");
  expectManifest<Isolator>(
      library,
      "com_mesosphere_MetricsIsolatorModule",
      "Metrics Isolator module");
  expectManifest<ResourceEstimator>(
      library,
      "com_mesosphere_MetricsResourceEstimatorModule",
      "Metrics ResourceEstimator module");
}


// A container that shows what the parameters do.
string prepareOne(Isolator* isolator)
{
  isolator->recover({}, {}).get();
  mesos::slave::ContainerConfig config;
  const auto launch = isolator->prepare(containerId({"c"}), config);
  EXPECT(launch.isReady());
  return launch.get().isSome() ? text(launch.get().get().environment()) : "";
}


void badParametersAreRefused(const Library& library)
{
  const std::vector<std::pair<Pairs, string>> cases = {
      {{{"listen_prot", "1"}}, "unknown parameter listen_prot=\"1\""},
      {{{"output_statsd_port", "x"}}, "output_statsd_port=\"x\": must be int"},
      {{{"listen_port_mode", "any"}}, "Unknown listen_port_mode config value"},
      {{{"listen_port", "1"}, {"listen_port", "2"}}, "cannot have two values"},
      {{{"output_collector_enabled", "f"}, {"output_statsd_enabled", "f"}},
       "At least one writer must be enabled"},
      {{{"state_path_dir", ""}}, "state_path_dir=\"\": must be non-empty"},
      {{{"line\nbreak", "\xff"}}, "unknown parameter line\\nbreak"},
  };
  for (const auto& one : cases) {
    const size_t before = logged("can't be created: ");
    EXPECT(library.create<Isolator>(ISOLATOR, one.first) == nullptr);
    EXPECT(library.create<Hook>(HOOK, one.first) == nullptr);
    EXPECT(library.create<ResourceEstimator>(ESTIMATOR, one.first) == nullptr);
    EXPECT_EQ(logged("can't be created: "), before + 3);
    EXPECT(logged(one.second) >= 3);
  }
  // None of them has left anything behind.
  EXPECT(library.create<Isolator>(ISOLATOR, {}) != nullptr);
}


void modulesMustAgree(const Library& library)
{
  EXPECT(library.create<Hook>(HOOK, {{"listen_port", "1"}}) != nullptr);
  EXPECT(library.create<Isolator>(ISOLATOR, {{"listen_port", "2"}}) == nullptr);
  EXPECT_EQ(
      logged("listen_port=\"1\" and listen_port=\"2\": one parameter cannot"),
      1u);
}


void parametersOfSeveralModulesAreMerged(const Library& library)
{
  Node node;
  EXPECT(
      library.create<Hook>(
          HOOK,
          {{"listen_port_mode", "range"}, {"listen_port_end", "31999"}}) !=
      nullptr);
  Isolator* isolator = library.create<Isolator>(
      ISOLATOR,
      node.parameters({{"listen_port_start", "31998"}}));
  EXPECT(isolator != nullptr);
  EXPECT_EQ(
      prepareOne(isolator),
      "STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT=31998");
  EXPECT_EQ(logged("Initializing module with 11 merged parameters"), 1u);
  EXPECT_EQ(logged("Creating new stats InputAssigner with parameters: "), 1u);
}


// That something is missing is known only when all modules were created.
void incompleteParametersEndTheAgent(const Library& library)
{
  const auto endsTheAgent = [&](const std::function<void()>& use) {
    const int status = runInChild(use);
    EXPECT(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), EXIT_FAILURE);
  };
  const Pairs incomplete = {{"output_collector_enabled", "false"}};
  endsTheAgent([&]() {
    library.create<Isolator>(ISOLATOR, incomplete)->recover({}, {});
  });
  endsTheAgent([&]() {
    library.create<ResourceEstimator>(ESTIMATOR, incomplete)
        ->initialize(
            lambda::function<process::Future<mesos::ResourceUsage>()>());
  });
  endsTheAgent([&]() {
    library.create<Hook>(HOOK, incomplete)
        ->slaveAttributesDecorator(mesos::SlaveInfo());
  });
  EXPECT_EQ(logged("At least one writer must be enabled"), 6u);
  EXPECT_EQ(
      logged("EXIT with status 1: The stats modules can't be used: "
             "output_collector_enabled=\"false\" and "
             "output_statsd_enabled=\"false\" (the default): At least one"),
      3u);
  // Nor is it known before whether there is an address.
  endsTheAgent([&]() {
    library.create<Isolator>(ISOLATOR, {{"listen_interface", "no-such"}})
        ->recover({}, {});
  });
  EXPECT_EQ(
      logged("EXIT with status 1: The stats modules can't be used: "),
      4u);
}


void aSecondLibraryIsRefused(const Library& library)
{
  Node node;
  const string copy = node.directory + "/libcopy.so";
  std::ofstream(copy) << content(library.path);
  const Library second(copy);
  EXPECT(library.create<Isolator>(ISOLATOR, {}) == nullptr);
  EXPECT(second.create<Hook>(HOOK, {}) == nullptr);
  EXPECT_EQ(
      logged(copy + " has " + ISOLATOR + " too: two libraries can't both"),
      1u);
  EXPECT_EQ(logged("remove one of them from --modules"), 2u);
}


// The file and line of the log are those in Rust.
void theCoreLogsAsTheAgentDoes(const Library& library)
{
  Node node;
  Isolator* isolator = library.create<Isolator>(
      ISOLATOR,
      node.parameters({{"container_limit_amount_kbytes", "0"}}));
  prepareOne(isolator);
  EXPECT(logged("mod.rs:") >= 1);
  const auto severity = [](const string& text, char expected) {
    std::ifstream lines("/proc/self/fd/2");
    for (string line; std::getline(lines, line);) {
      if (line.find(text) != string::npos) {
        EXPECT_EQ(line[0], expected);
        return;
      }
    }
    fail(__FILE__, __LINE__, text + " is not in the log");
  };
  severity("Container prepare: Registering and retrieving endpoint for", 'I');
  severity("everything that containers send is dropped", 'W');
  isolator->cleanup(containerId({"unknown"}));
  EXPECT_EQ(logged("Container cleanup: "), 0u);
  __atomic_store_n(&FLAGS_v, 1, __ATOMIC_RELAXED);
  isolator->cleanup(containerId({"c"}));
  severity("Container cleanup: container_id[c], known: true", 'I');
}

} // namespace {


std::vector<Scenario> moduleScenarios()
{
  return {
      {"manifests", manifests},
      {"bad_parameters_are_refused", badParametersAreRefused},
      {"modules_must_agree", modulesMustAgree},
      {"parameters_of_several_modules_are_merged",
       parametersOfSeveralModulesAreMerged},
      {"incomplete_parameters_end_the_agent", incompleteParametersEndTheAgent},
      {"a_second_library_is_refused", aSecondLibraryIsRefused},
      {"the_core_logs_as_the_agent_does", theCoreLogsAsTheAgentDoes},
  };
}

} // namespace host {
