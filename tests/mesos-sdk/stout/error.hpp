#ifndef STAND_IN_STOUT_ERROR_HPP
#define STAND_IN_STOUT_ERROR_HPP

#include <string>

struct Error
{
  explicit Error(const std::string& _message) : message(_message) {}
  std::string message;
};

#endif // STAND_IN_STOUT_ERROR_HPP
