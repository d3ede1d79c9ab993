#ifndef STAND_IN_STOUT_HASHSET_HPP
#define STAND_IN_STOUT_HASHSET_HPP

#include <unordered_set>

template <typename T>
class hashset : public std::unordered_set<T>
{
};

#endif // STAND_IN_STOUT_HASHSET_HPP
