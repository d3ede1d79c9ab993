#ifndef STAND_IN_STOUT_LAMBDA_HPP
#define STAND_IN_STOUT_LAMBDA_HPP

#include <functional>

namespace lambda {

using std::function;

} // namespace lambda {

#endif // STAND_IN_STOUT_LAMBDA_HPP
