#ifndef STAND_IN_STOUT_OPTION_HPP
#define STAND_IN_STOUT_OPTION_HPP

#include <vector>

#include <stout/none.hpp>

template <typename T>
class Option
{
public:
  Option() {}
  Option(const None&) {}
  Option(const T& value) : values(1, value) {}

  bool isSome() const { return !values.empty(); }
  bool isNone() const { return values.empty(); }
  const T& get() const { return values.at(0); }
  T& get() { return values.at(0); }

private:
  std::vector<T> values;
};

#endif // STAND_IN_STOUT_OPTION_HPP
