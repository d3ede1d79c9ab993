// The ResourceEstimator: estimates nothing, but is told every few seconds what
// the containers use, and passes that on.

#include <string>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <mesos/module.hpp>
#include <mesos/resources.hpp>

#include <mesos/module/resource_estimator.hpp>

#include <mesos/slave/resource_estimator.hpp>

#include <process/future.hpp>

#include <stout/lambda.hpp>
#include <stout/none.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

#include "stats/module.hpp"

using std::string;

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using mesos::ResourceUsage;

using process::Future;

namespace stats {
namespace {

void add(const string& path, double value, rust::Vec<Statistic>* statistics)
{
  Statistic statistic;
  statistic.path = convert(path);
  statistic.value = value;
  statistics->push_back(std::move(statistic));
}


// Lists the numbers that are set in a message, in the order of its .proto
// file, with their paths. Required fields say what was measured and when, and
// of repeated ones, only those with an id can be told apart.
void list(
    const Message& message,
    const string& prefix,
    rust::Vec<Statistic>* statistics)
{
  const Reflection* reflection = message.GetReflection();
  const google::protobuf::Descriptor* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); i++) {
    const FieldDescriptor* field = descriptor->field(i);
    const string path = prefix + field->name();
    if (field->is_repeated()) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        continue;
      }
      const FieldDescriptor* id = field->message_type()->FindFieldByName("id");
      if (id == nullptr || id->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
        continue;
      }
      for (int j = 0; j < reflection->FieldSize(message, field); j++) {
        const Message& element =
            reflection->GetRepeatedMessage(message, field, j);
        list(
            element,
            path + "." + element.GetReflection()->GetString(element, id) + ".",
            statistics);
      }
      continue;
    }
    if (field->is_required() || !reflection->HasField(message, field)) {
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        add(path, reflection->GetInt32(message, field), statistics);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        add(path, reflection->GetUInt32(message, field), statistics);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        add(path,
            static_cast<double>(reflection->GetInt64(message, field)),
            statistics);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        add(path,
            static_cast<double>(reflection->GetUInt64(message, field)),
            statistics);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        add(path, reflection->GetFloat(message, field), statistics);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        add(path, reflection->GetDouble(message, field), statistics);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        list(reflection->GetMessage(message, field), path + ".", statistics);
        break;
      default: // Neither flags nor texts are measured.
        break;
    }
  }
}


void report(const ResourceUsage& usage)
{
  for (const ResourceUsage::Executor& executor : usage.executors()) {
    if (!executor.has_statistics()) {
      continue;
    }
    attempt([&executor]() {
      rust::Vec<Statistic> statistics;
      list(executor.statistics(), "", &statistics);
      stats::usage(
          convert(executor.container_id(), executor),
          executor.statistics().timestamp(),
          std::move(statistics));
    });
  }
}


class StatsResourceEstimator : public mesos::slave::ResourceEstimator
{
public:
  Try<Nothing> initialize(
      const lambda::function<Future<ResourceUsage>()>& usage) override
  {
    ask = usage;
    startOrExit();
    return Nothing();
  }

  // Asks for the usage, which comes later, unless the last answer is still
  // to come, and offers nothing.
  Future<mesos::Resources> oversubscribable() override
  {
    if (answer.isNone() || !answer.get().isPending()) {
      attempt([this]() {
        answer = ask();
        answer.get().onReady(report).onFailed([](const string& reason) {
          LOG(WARNING) << "The agent can't tell the resource usage of its "
                       << "containers: " << reason;
        });
      });
    }
    return mesos::Resources();
  }

private:
  lambda::function<Future<ResourceUsage>()> ask;
  Option<Future<ResourceUsage>> answer;
};


mesos::slave::ResourceEstimator* createResourceEstimator(
    const mesos::Parameters& parameters)
{
  return createModule<mesos::slave::ResourceEstimator, StatsResourceEstimator>(
      parameters);
}

} // namespace {
} // namespace stats {


mesos::modules::Module<mesos::slave::ResourceEstimator>
    com_mesosphere_StatsResourceEstimatorModule(
        MESOS_MODULE_API_VERSION,
        MESOS_VERSION,
        STATS_AUTHOR,
        STATS_EMAIL,
        "Stats ResourceEstimator module",
        nullptr,
        stats::createResourceEstimator);


mesos::modules::Module<mesos::slave::ResourceEstimator>
    com_mesosphere_MetricsResourceEstimatorModule(
        MESOS_MODULE_API_VERSION,
        MESOS_VERSION,
        STATS_AUTHOR,
        STATS_EMAIL,
        "Metrics ResourceEstimator module",
        nullptr,
        stats::createResourceEstimator);
