#include <mesos/mesos.hpp>
