// Loads a library of modules as an agent does, and runs scenarios with it, each
// in a process of its own, since a library has one core in a process.
//
//   host LIBRARY [SCENARIO...]

#include "host.hpp"

#ifdef STAND_IN_MESOS_VERSION_HPP
int FLAGS_v = 0;
bool FLAGS_logtostderr = true;
#endif

namespace host {
namespace {

const int PATIENCE_SECONDS = 20;

// Of the scenario: what it leaves behind, and the log among that.
std::string directory;

sockaddr_in address(const std::string& host, const std::string& port)
{
  sockaddr_in address;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(port.c_str())));
  EXPECT_EQ(inet_pton(AF_INET, host.c_str(), &address.sin_addr), 1);
  return address;
}

std::string makeDirectory(const std::string& start)
{
  std::string name = start + "XXXXXX";
  EXPECT(mkdtemp(&name[0]) != nullptr);
  return name;
}

} // namespace {


Node::Node()
{
  directory = makeDirectory(host::directory + "/node-");

  receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in own = address("127.0.0.1", "0");
  sockaddr* generic = reinterpret_cast<sockaddr*>(&own);
  EXPECT_EQ(bind(receiver, generic, sizeof(own)), 0);
  socklen_t length = sizeof(own);
  EXPECT_EQ(getsockname(receiver, generic, &length), 0);
  receiverPort = std::to_string(ntohs(own.sin_port));
  timeval patience = {PATIENCE_SECONDS, 0};
  EXPECT_EQ(
      setsockopt(
          receiver,
          SOL_SOCKET,
          SO_RCVTIMEO,
          &patience,
          sizeof(patience)),
      0);
}


Pairs Node::parameters(const Pairs& more) const
{
  Pairs pairs = {
      {"state_path_dir", directory},
      {"output_collector_enabled", "false"},
      {"output_statsd_enabled", "true"},
      {"output_statsd_host", "127.0.0.1"},
      {"output_statsd_port", receiverPort},
      {"output_statsd_annotation_mode", "tag_datadog"},
      {"output_statsd_chunking", "false"},
      {"self_metrics_enabled", "false"},
  };
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}


std::vector<std::string> Node::lines(size_t count) const
{
  std::vector<std::string> lines;
  while (lines.size() < count) {
    std::vector<char> buffer(65536);
    const ssize_t length = recv(receiver, buffer.data(), buffer.size(), 0);
    EXPECT(length >= 0);
    lines.emplace_back(buffer.data(), static_cast<size_t>(length));
  }
  return lines;
}


void send(const mesos::Environment& environment, const std::string& line)
{
  const sockaddr_in to = address(
      value(environment, "STATSD_UDP_HOST"),
      value(environment, "STATSD_UDP_PORT"));
  const int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(
      sendto(
          sender,
          line.data(),
          line.size(),
          0,
          reinterpret_cast<const sockaddr*>(&to),
          sizeof(to)),
      static_cast<ssize_t>(line.size()));
  close(sender);
}


std::string text(const mesos::Environment& environment)
{
  std::string text;
  for (const auto& variable : environment.variables()) {
    text +=
        (text.empty() ? "" : " ") + variable.name() + "=" + variable.value();
  }
  return text;
}


std::string value(const mesos::Environment& environment, const char* name)
{
  for (const auto& variable : environment.variables()) {
    if (variable.name() == name) {
      return variable.value();
    }
  }
  return "";
}


mesos::ContainerID containerId(const std::vector<std::string>& path)
{
  mesos::ContainerID id;
  id.set_value(path.back());
  if (path.size() > 1) {
    *id.mutable_parent() =
        containerId(std::vector<std::string>(path.begin(), path.end() - 1));
  }
  return id;
}


mesos::ExecutorInfo executorInfo(
    const std::string& framework,
    const std::string& executor)
{
  mesos::ExecutorInfo info;
  info.mutable_framework_id()->set_value(framework);
  info.mutable_executor_id()->set_value(executor);
  return info;
}


std::vector<std::string> filesIn(const std::string& directory)
{
  std::vector<std::string> names;
  DIR* open = opendir(directory.c_str());
  if (open != nullptr) {
    while (const dirent* entry = readdir(open)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") {
        names.push_back(name);
      }
    }
    closedir(open);
  }
  return names;
}


std::string content(const std::string& file)
{
  std::ifstream stream(file);
  std::ostringstream all;
  all << stream.rdbuf();
  return all.str();
}


size_t logged(const std::string& text)
{
  std::ifstream log(directory + "/log");
  size_t count = 0;
  for (std::string line; std::getline(log, line);) {
    count += line.find(text) != std::string::npos ? 1 : 0;
  }
  return count;
}


int runInChild(const std::function<void()>& run)
{
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    run();
    exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}


namespace {

// Runs one scenario with its own log; whether it passed.
bool run(const Scenario& scenario, const Library& library)
{
  directory = makeDirectory("/tmp/stats-module-test-");
  const std::string logFile = directory + "/log";
  const int log =
      open(logFile.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  EXPECT(log >= 0);
  const int status = runInChild([&]() {
    dup2(log, STDERR_FILENO);
    close(log);
    scenario.run(library);
  });
  close(log);
  const bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  std::cout << (passed ? "passed  " : "FAILED  ") << scenario.name << std::endl;
  if (!passed) {
    std::cout << content(logFile).substr(0, 20000) << std::endl;
  }
  EXPECT_EQ(system(("rm -rf " + directory).c_str()), 0);
  return passed;
}

} // namespace {
} // namespace host {


int main(int argc, char** argv)
{
  if (argc < 2) {
    std::cerr << "usage: host LIBRARY [SCENARIO...]" << std::endl;
    return 2;
  }
  FLAGS_logtostderr = true;
  const host::Library library(argv[1]);
  const std::vector<std::string> wanted(argv + 2, argv + argc);

  size_t count = 0;
  size_t failed = 0;
  for (auto scenarios :
       {host::moduleScenarios(),
        host::isolatorScenarios(),
        host::otherScenarios(),
        host::threadScenarios()}) {
    for (const host::Scenario& scenario : scenarios) {
      bool isWanted = wanted.empty();
      for (const std::string& name : wanted) {
        isWanted = isWanted || name == scenario.name;
      }
      if (isWanted) {
        count++;
        failed += host::run(scenario, library) ? 0 : 1;
      }
    }
  }
  std::cout << count << " scenarios, " << failed << " failed" << std::endl;
  return failed == 0 && count > 0 ? 0 : 1;
}
