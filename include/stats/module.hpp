// What all modules of this library have in common: how they are created, when
// the core behind them starts, and what becomes of its errors.

#ifndef STATS_MODULE_HPP
#define STATS_MODULE_HPP

#include <cstdlib>
#include <exception>
#include <string>

#include <glog/logging.h>

#include <mesos/mesos.hpp>

#include <stout/exit.hpp>

#include "dcos-stats/src/bridge.rs.h"
#include "stats/conversions.hpp"

#define STATS_AUTHOR "Mesosphere"
#define STATS_EMAIL "mesosphere@mesosphere.com"

namespace stats {

// Makes a call into Rust. What it throws is a fault of this library, and
// nothing that the agent or a task should suffer from.
template <typename Call>
void attempt(const Call& call)
{
  try {
    call();
  } catch (const std::exception& error) {
    LOG(ERROR) << error.what();
  }
}


// The `create` of a module's manifest. Mesos ends the agent if it is null.
template <typename Interface, typename Implementation>
Interface* createModule(const mesos::Parameters& parameters)
{
  try {
    create(convert(parameters));
    return new Implementation();
  } catch (const std::exception& error) {
    LOG(ERROR) << "The stats module can't be created: " << error.what();
    return nullptr;
  }
}


// Called when the agent has created all its modules. Only now it is known
// whether their parameters make a whole; if not, the agent ends as it does
// for wrong flags.
inline void startOrExit()
{
  std::string refusal;
  attempt([&refusal]() { refusal = std::string(start()); });
  if (!refusal.empty()) {
    EXIT(EXIT_FAILURE) << "The stats modules can't be used: " << refusal;
  }
}

} // namespace stats {

#endif // STATS_MODULE_HPP
