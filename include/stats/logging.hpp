// Rust's way to the agent's log.

#ifndef STATS_LOGGING_HPP
#define STATS_LOGGING_HPP

#include <cstdint>

#include "rust/cxx.h"

namespace stats {

enum class Severity : std::int32_t;

// Writes one message, as if from the given line of a file of ours.
void write(
    Severity severity,
    rust::Str file,
    std::uint32_t line,
    rust::Str text);

// The level up to which the agent writes VLOG messages.
std::int32_t verbosity();

} // namespace stats {

#endif // STATS_LOGGING_HPP
