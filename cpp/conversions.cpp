#include "stats/conversions.hpp"

#include "stats/mesos_compat.hpp"

namespace stats {

rust::String convert(const std::string& text)
{
  return rust::String::lossy(text);
}


rust::Vec<Parameter> convert(const mesos::Parameters& parameters)
{
  rust::Vec<Parameter> pairs;
  for (const mesos::Parameter& parameter : parameters.parameter()) {
    Parameter pair;
    pair.key = convert(parameter.key());
    pair.value = convert(parameter.value());
    pairs.push_back(std::move(pair));
  }
  return pairs;
}


rust::Vec<rust::String> convert(const mesos::ContainerID& containerId)
{
  const mesos::ContainerID* parent = compat::parent(containerId);
  rust::Vec<rust::String> path;
  if (parent != nullptr) {
    path = convert(*parent);
  }
  path.push_back(convert(containerId.value()));
  return path;
}


mesos::Environment convert(const rust::Vec<Variable>& variables)
{
  mesos::Environment environment;
  for (const Variable& variable : variables) {
    mesos::Environment::Variable* added = environment.add_variables();
    added->set_name(std::string(variable.name));
    added->set_value(std::string(variable.value));
  }
  return environment;
}

} // namespace stats {
