// What an agent does with a library of modules, and what a test of one needs.

#ifndef HOST_HPP
#define HOST_HPP

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include <mesos/hook.hpp>
#include <mesos/mesos.hpp>
#include <mesos/module.hpp>
#include <mesos/resources.hpp>
#include <mesos/version.hpp>

#include <mesos/module/hook.hpp>
#include <mesos/module/isolator.hpp>
#include <mesos/module/resource_estimator.hpp>

#include <process/future.hpp>

#include <stout/hashset.hpp>

#include "stats/mesos_compat.hpp"

// Ends the test unless the condition holds.
#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      host::fail(__FILE__, __LINE__, #condition);                              \
    }                                                                          \
  } while (false)

#define EXPECT_EQ(left, right)                                                 \
  do {                                                                         \
    std::ostringstream _left, _right;                                          \
    _left << (left);                                                           \
    _right << (right);                                                         \
    if (_left.str() != _right.str()) {                                         \
      host::fail(                                                              \
          __FILE__,                                                            \
          __LINE__,                                                            \
          #left " is " + _left.str() + ", not " + _right.str());               \
    }                                                                          \
  } while (false)

namespace host {

typedef std::vector<std::pair<std::string, std::string>> Pairs;

inline void fail(const char* file, int line, const std::string& what)
{
  std::cerr << file << ":" << line << ": " << what.substr(0, 2000) << std::endl;
  _exit(1);
}


// The library under test; it stays loaded.
struct Library
{
  explicit Library(const std::string& _path)
      : path(_path), handle(dlopen(path.c_str(), RTLD_NOW))
  {
    if (handle == nullptr) {
      fail(__FILE__, __LINE__, dlerror());
    }
  }

  // As the agent does: finds a manifest and sees whether it fits.
  template <typename T>
  mesos::modules::Module<T>* manifest(const std::string& name) const
  {
    auto module =
        static_cast<mesos::modules::Module<T>*>(dlsym(handle, name.c_str()));
    EXPECT(module != nullptr);
    EXPECT_EQ(module->moduleApiVersion, MESOS_MODULE_API_VERSION);
    EXPECT_EQ(module->mesosVersion, MESOS_VERSION);
    EXPECT_EQ(module->kind, mesos::modules::kind<T>());
    return module;
  }

  // Null if the module refuses its parameters. Like an agent, it has the
  // module until its end.
  template <typename T>
  T* create(const std::string& name, const Pairs& pairs) const
  {
    mesos::Parameters parameters;
    for (const auto& pair : pairs) {
      mesos::Parameter* parameter = parameters.add_parameter();
      parameter->set_key(pair.first);
      parameter->set_value(pair.second);
    }
    static std::vector<std::unique_ptr<T>> modules;
    modules.emplace_back(manifest<T>(name)->create(parameters));
    return modules.back().get();
  }

  std::string path;
  void* handle;
};


// A directory of its own, and a StatsD receiver.
struct Node
{
  Node();

  // Parameters with this directory and receiver, and more.
  Pairs parameters(const Pairs& more = Pairs()) const;

  // What the receiver gets, line by line, until there are so many.
  std::vector<std::string> lines(size_t count) const;

  std::string directory;
  int receiver;
  std::string receiverPort;
};


// Sends one datagram to the endpoint of an environment.
void send(const mesos::Environment& environment, const std::string& line);

// "name=value name=value" in order.
std::string text(const mesos::Environment& environment);

std::string value(const mesos::Environment& environment, const char* name);

mesos::ContainerID containerId(const std::vector<std::string>& path);

mesos::ExecutorInfo executorInfo(
    const std::string& framework,
    const std::string& executor);

std::vector<std::string> filesIn(const std::string& directory);

std::string content(const std::string& file);

// How many lines of the log so far have this text.
size_t logged(const std::string& text);

// Runs something in a process of its own; its wait status.
int runInChild(const std::function<void()>& run);


struct Scenario
{
  const char* name;
  void (*run)(const Library& library);
};

// Those of one file.
std::vector<Scenario> moduleScenarios();
std::vector<Scenario> isolatorScenarios();
std::vector<Scenario> otherScenarios();
std::vector<Scenario> threadScenarios();

} // namespace host {

#endif // HOST_HPP
