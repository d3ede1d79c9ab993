// Fields of messages, with the functions that protoc would make.

#ifndef STAND_IN_PROTOBUF_FIELDS_H
#define STAND_IN_PROTOBUF_FIELDS_H

#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/message.h>

namespace google {
namespace protobuf {

// A value that may be missing and is then the default one. It is made when it
// is asked for, so that a message may have a field of its own type.
template <typename T>
class Field
{
public:
  Field() {}
  Field(const Field& that) { *this = that; }

  Field& operator=(const Field& that)
  {
    value.reset(that.value ? new T(*that.value) : nullptr);
    return *this;
  }

  bool has() const { return value != nullptr; }

  const T& get() const
  {
    static const T missing = T();
    return value ? *value : missing;
  }

  T* mutable_get()
  {
    if (!value) {
      value.reset(new T());
    }
    return value.get();
  }

private:
  std::unique_ptr<T> value;
};

} // namespace protobuf {
} // namespace google {

#define STAND_IN_FIELD(TYPE, NAME)                                             \
public:                                                                        \
  bool has_##NAME() const { return NAME##_.has(); }                            \
  const TYPE& NAME() const { return NAME##_.get(); }                           \
  TYPE* mutable_##NAME() { return NAME##_.mutable_get(); }                     \
  void set_##NAME(const TYPE& value) { *NAME##_.mutable_get() = value; }       \
                                                                               \
private:                                                                       \
  google::protobuf::Field<TYPE> NAME##_;

#define STAND_IN_REPEATED(TYPE, NAME)                                          \
public:                                                                        \
  const std::vector<TYPE>& NAME() const { return NAME##_; }                    \
  const TYPE& NAME(int i) const { return NAME##_[i]; }                         \
  int NAME##_size() const { return static_cast<int>(NAME##_.size()); }         \
  TYPE* add_##NAME()                                                           \
  {                                                                            \
    NAME##_.emplace_back();                                                    \
    return &NAME##_.back();                                                    \
  }                                                                            \
                                                                               \
private:                                                                       \
  std::vector<TYPE> NAME##_;

#define STAND_IN_COPY(MESSAGE)                                                 \
public:                                                                        \
  void CopyFrom(const MESSAGE& that) { *this = that; }

// Entries of a message's descriptor.
#define STAND_IN_NUMBER(MESSAGE, LABEL, TYPE, NAME)                            \
  google::protobuf::FieldDescriptor                                            \
  {                                                                            \
    #NAME, google::protobuf::FieldDescriptor::LABEL,                           \
      google::protobuf::FieldDescriptor::CPPTYPE_##TYPE, nullptr,              \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<const MESSAGE&>(message).has_##NAME() ? 1 : 0;      \
      },                                                                       \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<double>(                                            \
            static_cast<const MESSAGE&>(message).NAME());                      \
      },                                                                       \
      nullptr, nullptr                                                         \
  }

#define STAND_IN_STRING(MESSAGE, LABEL, NAME)                                  \
  google::protobuf::FieldDescriptor                                            \
  {                                                                            \
    #NAME, google::protobuf::FieldDescriptor::LABEL,                           \
      google::protobuf::FieldDescriptor::CPPTYPE_STRING, nullptr,              \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<const MESSAGE&>(message).has_##NAME() ? 1 : 0;      \
      },                                                                       \
      nullptr,                                                                 \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<const MESSAGE&>(message).NAME();                    \
      },                                                                       \
      nullptr                                                                  \
  }

#define STAND_IN_MESSAGE(MESSAGE, TYPE, NAME)                                  \
  google::protobuf::FieldDescriptor                                            \
  {                                                                            \
    #NAME, google::protobuf::FieldDescriptor::OPTIONAL,                        \
      google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE,                      \
      []() { return TYPE().GetDescriptor(); },                                 \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<const MESSAGE&>(message).has_##NAME() ? 1 : 0;      \
      },                                                                       \
      nullptr, nullptr,                                                        \
      [](const google::protobuf::Message& message, int)                        \
        -> const google::protobuf::Message& {                                  \
        return static_cast<const MESSAGE&>(message).NAME();                    \
      }                                                                        \
  }

#define STAND_IN_MESSAGES(MESSAGE, TYPE, NAME)                                 \
  google::protobuf::FieldDescriptor                                            \
  {                                                                            \
    #NAME, google::protobuf::FieldDescriptor::REPEATED,                        \
      google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE,                      \
      []() { return TYPE().GetDescriptor(); },                                 \
      [](const google::protobuf::Message& message) {                           \
        return static_cast<const MESSAGE&>(message).NAME##_size();             \
      },                                                                       \
      nullptr, nullptr,                                                        \
      [](const google::protobuf::Message& message, int i)                      \
        -> const google::protobuf::Message& {                                  \
        return static_cast<const MESSAGE&>(message).NAME(i);                   \
      }                                                                        \
  }

#endif // STAND_IN_PROTOBUF_FIELDS_H
