#ifndef STAND_IN_PROCESS_FUTURE_HPP
#define STAND_IN_PROCESS_FUTURE_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <stout/option.hpp>

namespace process {

template <typename T>
class Promise;

// A value that comes, or a failure, or neither ever. Callbacks run on the
// thread that brings it.
template <typename T>
class Future
{
public:
  Future() : state(new State()) {}
  Future(const T& value) : Future() { ready(value); }

  template <typename U>
  Future(const U& value) : Future(T(value)) {}

  bool isPending() const { return !isReady() && !isFailed(); }

  bool isReady() const
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    return state->value.isSome();
  }

  bool isFailed() const
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    return state->failure.isSome();
  }

  const T& get() const
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    return state->value.get();
  }

  const Future& onReady(const std::function<void(const T&)>& callback) const
  {
    {
      std::lock_guard<std::mutex> lock(state->mutex);
      if (state->value.isNone()) {
        state->onReady.push_back(callback);
        return *this;
      }
    }
    callback(get());
    return *this;
  }

  const Future& onFailed(
      const std::function<void(const std::string&)>& callback) const
  {
    {
      std::lock_guard<std::mutex> lock(state->mutex);
      if (state->failure.isNone()) {
        state->onFailed.push_back(callback);
        return *this;
      }
    }
    callback(state->failure.get());
    return *this;
  }

private:
  friend class Promise<T>;

  struct State
  {
    std::mutex mutex;
    Option<T> value;
    Option<std::string> failure;
    std::vector<std::function<void(const T&)>> onReady;
    std::vector<std::function<void(const std::string&)>> onFailed;
  };

  void ready(const T& value) const
  {
    std::vector<std::function<void(const T&)>> callbacks;
    {
      std::lock_guard<std::mutex> lock(state->mutex);
      state->value = value;
      callbacks.swap(state->onReady);
    }
    for (const std::function<void(const T&)>& callback : callbacks) {
      callback(value);
    }
  }

  void failed(const std::string& reason) const
  {
    std::vector<std::function<void(const std::string&)>> callbacks;
    {
      std::lock_guard<std::mutex> lock(state->mutex);
      state->failure = reason;
      callbacks.swap(state->onFailed);
    }
    for (const std::function<void(const std::string&)>& callback : callbacks) {
      callback(reason);
    }
  }

  std::shared_ptr<State> state;
};


template <typename T>
class Promise
{
public:
  Future<T> future() const { return future_; }
  bool set(const T& value) { return future_.ready(value), true; }
  bool fail(const std::string& reason) { return future_.failed(reason), true; }

private:
  Future<T> future_;
};

} // namespace process {

#endif // STAND_IN_PROCESS_FUTURE_HPP
