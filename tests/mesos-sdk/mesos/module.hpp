// A module is found by its symbol, which is a ModuleBase and a pointer to the
// function that creates the module.

#ifndef STAND_IN_MESOS_MODULE_HPP
#define STAND_IN_MESOS_MODULE_HPP

#include <mesos/mesos.hpp>

#define MESOS_MODULE_API_VERSION "2"

namespace mesos {
namespace modules {

struct ModuleBase
{
  const char* moduleApiVersion;
  const char* mesosVersion;
  const char* kind;
  const char* authorName;
  const char* authorEmail;
  const char* description;
  bool (*compatible)();
};

template <typename T>
const char* kind();

template <typename T>
struct Module : ModuleBase
{
  typedef T* (*Create)(const Parameters&);

  Module(
      const char* api,
      const char* version,
      const char* author,
      const char* email,
      const char* description,
      bool (*compatible)(),
      Create _create)
    : ModuleBase{
        api, version, modules::kind<T>(), author, email, description,
        compatible},
      create(_create) {}

  Create create;
};

} // namespace modules {
} // namespace mesos {

#endif // STAND_IN_MESOS_MODULE_HPP
