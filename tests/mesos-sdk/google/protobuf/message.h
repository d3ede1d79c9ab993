// Messages that tell their fields, as far as the adapter asks.

#ifndef STAND_IN_PROTOBUF_MESSAGE_H
#define STAND_IN_PROTOBUF_MESSAGE_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace google {
namespace protobuf {

class Descriptor;
class Reflection;

class Message
{
public:
  virtual ~Message() {}
  virtual const Descriptor* GetDescriptor() const = 0;
  const Reflection* GetReflection() const;
};


class FieldDescriptor
{
public:
  enum CppType
  {
    CPPTYPE_INT32,
    CPPTYPE_INT64,
    CPPTYPE_UINT32,
    CPPTYPE_UINT64,
    CPPTYPE_DOUBLE,
    CPPTYPE_FLOAT,
    CPPTYPE_BOOL,
    CPPTYPE_STRING,
    CPPTYPE_MESSAGE,
  };

  enum Label
  {
    OPTIONAL,
    REQUIRED,
    REPEATED,
  };

  const std::string& name() const { return name_; }
  bool is_repeated() const { return label_ == REPEATED; }
  bool is_required() const { return label_ == REQUIRED; }
  CppType cpp_type() const { return type_; }
  const Descriptor* message_type() const { return message_type_(); }

  std::string name_;
  Label label_;
  CppType type_;
  std::function<const Descriptor*()> message_type_;
  // How many there are: 0 or 1, unless the field is repeated.
  std::function<int(const Message&)> size_;
  std::function<double(const Message&)> number_;
  std::function<std::string(const Message&)> text_;
  std::function<const Message&(const Message&, int)> element_;
};


class Descriptor
{
public:
  explicit Descriptor(const std::vector<FieldDescriptor>& fields)
    : fields_(fields) {}

  int field_count() const { return static_cast<int>(fields_.size()); }
  const FieldDescriptor* field(int i) const { return &fields_[i]; }

  const FieldDescriptor* FindFieldByName(const std::string& name) const
  {
    for (const FieldDescriptor& field : fields_) {
      if (field.name() == name) {
        return &field;
      }
    }
    return nullptr;
  }

private:
  std::vector<FieldDescriptor> fields_;
};


class Reflection
{
public:
  bool HasField(const Message& message, const FieldDescriptor* field) const
  {
    return field->size_(message) > 0;
  }

  int FieldSize(const Message& message, const FieldDescriptor* field) const
  {
    return field->size_(message);
  }

#define STAND_IN_GET(NAME, TYPE)                                               \
  TYPE Get##NAME(const Message& message, const FieldDescriptor* field) const   \
  {                                                                            \
    return static_cast<TYPE>(field->number_(message));                         \
  }
  STAND_IN_GET(Int32, int)
  STAND_IN_GET(UInt32, unsigned int)
  STAND_IN_GET(Int64, long long)
  STAND_IN_GET(UInt64, unsigned long long)
  STAND_IN_GET(Float, float)
  STAND_IN_GET(Double, double)
#undef STAND_IN_GET

  std::string GetString(
      const Message& message,
      const FieldDescriptor* field) const
  {
    return field->text_(message);
  }

  const Message& GetMessage(
      const Message& message,
      const FieldDescriptor* field) const
  {
    return field->element_(message, 0);
  }

  const Message& GetRepeatedMessage(
      const Message& message,
      const FieldDescriptor* field,
      int i) const
  {
    return field->element_(message, i);
  }
};


inline const Reflection* Message::GetReflection() const
{
  static const Reflection reflection;
  return &reflection;
}

} // namespace protobuf {
} // namespace google {

#endif // STAND_IN_PROTOBUF_MESSAGE_H
