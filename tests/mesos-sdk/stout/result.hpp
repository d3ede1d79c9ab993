#ifndef STAND_IN_STOUT_RESULT_HPP
#define STAND_IN_STOUT_RESULT_HPP

#include <stout/error.hpp>
#include <stout/option.hpp>

template <typename T>
class Result
{
public:
  Result(const None&) {}
  Result(const T& _value) : value(_value) {}
  Result(const Error& _error) : failure(_error) {}

  bool isSome() const { return value.isSome(); }
  bool isNone() const { return value.isNone() && failure.isNone(); }
  bool isError() const { return failure.isSome(); }
  const T& get() const { return value.get(); }

private:
  Option<T> value;
  Option<Error> failure;
};

#endif // STAND_IN_STOUT_RESULT_HPP
