#ifndef STAND_IN_STOUT_NONE_HPP
#define STAND_IN_STOUT_NONE_HPP

struct None {};

#endif // STAND_IN_STOUT_NONE_HPP
