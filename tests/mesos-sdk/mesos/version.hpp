#ifndef STAND_IN_MESOS_VERSION_HPP
#define STAND_IN_MESOS_VERSION_HPP

// What an agent compares with its own: none is of this version.
#define MESOS_VERSION "0.0.0-stand-in"

// Whose interface it is.
#define MESOS_MAJOR_VERSION_NUM 1
#define MESOS_MINOR_VERSION_NUM 11

#endif // STAND_IN_MESOS_VERSION_HPP
