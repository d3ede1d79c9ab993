#ifndef STAND_IN_STOUT_TRY_HPP
#define STAND_IN_STOUT_TRY_HPP

#include <stout/error.hpp>
#include <stout/option.hpp>

template <typename T>
class Try
{
public:
  Try(const T& _value) : value(_value) {}
  Try(const Error& _error) : failure(_error) {}

  bool isSome() const { return value.isSome(); }
  bool isError() const { return value.isNone(); }
  const T& get() const { return value.get(); }
  const std::string& error() const { return failure.get().message; }

private:
  Option<T> value;
  Option<Error> failure;
};

#endif // STAND_IN_STOUT_TRY_HPP
