// The messages that pass between an agent and the modules, with those of their
// fields that the adapter or its test knows.

#ifndef STAND_IN_MESOS_MESOS_HPP
#define STAND_IN_MESOS_MESOS_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <google/protobuf/fields.h>

#include <mesos/version.hpp>

namespace mesos {

class Attributes {};
class SlaveInfo {};
class TaskInfo {};

class Resources
{
public:
  bool empty() const { return true; }
};

class FrameworkID
{
  STAND_IN_FIELD(std::string, value)
};

class ExecutorID
{
  STAND_IN_FIELD(std::string, value)
};

class ContainerID
{
  STAND_IN_FIELD(std::string, value)
  STAND_IN_FIELD(ContainerID, parent)
};

inline bool operator==(const ContainerID& left, const ContainerID& right)
{
  return left.value() == right.value() &&
    left.has_parent() == right.has_parent() &&
    (!left.has_parent() || left.parent() == right.parent());
}

class ExecutorInfo
{
  STAND_IN_FIELD(FrameworkID, framework_id)
  STAND_IN_FIELD(ExecutorID, executor_id)
};

class FrameworkInfo
{
  STAND_IN_FIELD(FrameworkID, id)
};

class Parameter
{
  STAND_IN_FIELD(std::string, key)
  STAND_IN_FIELD(std::string, value)
};

class Parameters
{
  STAND_IN_REPEATED(Parameter, parameter)
};

class Environment
{
public:
  class Variable
  {
    STAND_IN_FIELD(std::string, name)
    STAND_IN_FIELD(std::string, value)
  };

  STAND_IN_REPEATED(Variable, variables)
  STAND_IN_COPY(Environment)
};

class DockerTaskExecutorPrepareInfo
{
  STAND_IN_FIELD(Environment, executorenvironment)
  STAND_IN_FIELD(Environment, taskenvironment)
};

class PerfStatistics : public google::protobuf::Message
{
  STAND_IN_FIELD(double, timestamp)
  STAND_IN_FIELD(double, duration)
  STAND_IN_FIELD(std::uint64_t, cycles)

public:
  const google::protobuf::Descriptor* GetDescriptor() const override
  {
    static const google::protobuf::Descriptor descriptor({
      STAND_IN_NUMBER(PerfStatistics, REQUIRED, DOUBLE, timestamp),
      STAND_IN_NUMBER(PerfStatistics, REQUIRED, DOUBLE, duration),
      STAND_IN_NUMBER(PerfStatistics, OPTIONAL, UINT64, cycles),
    });
    return &descriptor;
  }
};

class TrafficControlStatistics : public google::protobuf::Message
{
  STAND_IN_FIELD(std::string, id)
  STAND_IN_FIELD(std::uint64_t, backlog)

public:
  const google::protobuf::Descriptor* GetDescriptor() const override
  {
    static const google::protobuf::Descriptor descriptor({
      STAND_IN_STRING(TrafficControlStatistics, REQUIRED, id),
      STAND_IN_NUMBER(TrafficControlStatistics, OPTIONAL, UINT64, backlog),
    });
    return &descriptor;
  }
};

class IpStatistics : public google::protobuf::Message
{
  // protoc makes lower case functions of Forwarding.
  STAND_IN_FIELD(std::int64_t, forwarding)

public:
  const google::protobuf::Descriptor* GetDescriptor() const override
  {
    static const google::protobuf::Descriptor descriptor = describe();
    return &descriptor;
  }

private:
  static google::protobuf::Descriptor describe()
  {
    google::protobuf::FieldDescriptor field =
      STAND_IN_NUMBER(IpStatistics, OPTIONAL, INT64, forwarding);
    field.name_ = "Forwarding";
    return google::protobuf::Descriptor({field});
  }
};

class SNMPStatistics : public google::protobuf::Message
{
  STAND_IN_FIELD(IpStatistics, ip_stats)

public:
  const google::protobuf::Descriptor* GetDescriptor() const override
  {
    static const google::protobuf::Descriptor descriptor({
      STAND_IN_MESSAGE(SNMPStatistics, IpStatistics, ip_stats),
    });
    return &descriptor;
  }
};

class ResourceStatistics : public google::protobuf::Message
{
  STAND_IN_FIELD(double, timestamp)
  STAND_IN_FIELD(std::uint32_t, processes)
  STAND_IN_FIELD(double, cpus_limit)
  STAND_IN_FIELD(PerfStatistics, perf)
  STAND_IN_FIELD(std::uint64_t, net_rx_bytes)
  STAND_IN_REPEATED(TrafficControlStatistics, net_traffic_control_statistics)
  STAND_IN_FIELD(SNMPStatistics, net_snmp_statistics)

public:
  const google::protobuf::Descriptor* GetDescriptor() const override
  {
    static const google::protobuf::Descriptor descriptor({
      STAND_IN_NUMBER(ResourceStatistics, REQUIRED, DOUBLE, timestamp),
      STAND_IN_NUMBER(ResourceStatistics, OPTIONAL, UINT32, processes),
      STAND_IN_NUMBER(ResourceStatistics, OPTIONAL, DOUBLE, cpus_limit),
      STAND_IN_MESSAGE(ResourceStatistics, PerfStatistics, perf),
      STAND_IN_NUMBER(ResourceStatistics, OPTIONAL, UINT64, net_rx_bytes),
      STAND_IN_MESSAGES(
          ResourceStatistics,
          TrafficControlStatistics,
          net_traffic_control_statistics),
      STAND_IN_MESSAGE(
          ResourceStatistics,
          SNMPStatistics,
          net_snmp_statistics),
    });
    return &descriptor;
  }
};

class ResourceUsage
{
public:
  class Executor
  {
    STAND_IN_FIELD(ExecutorInfo, executor_info)
    STAND_IN_FIELD(ResourceStatistics, statistics)
    STAND_IN_FIELD(ContainerID, container_id)
  };

  STAND_IN_REPEATED(Executor, executors)
};

} // namespace mesos {

namespace std {

template <>
struct hash<mesos::ContainerID>
{
  size_t operator()(const mesos::ContainerID& id) const
  {
    return hash<string>()(id.value());
  }
};

} // namespace std {

#endif // STAND_IN_MESOS_MESOS_HPP
