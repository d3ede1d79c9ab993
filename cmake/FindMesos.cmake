# Finds the headers of Mesos and of what they include. Nothing is linked against Mesos: the agent that loads the module brings
# it along.
#
# Where to look, given with -D or in the environment; the first that is given counts:
#
#   MESOS_INCLUDE_DIR   a directory with mesos/version.hpp, process/ and stout/, and MESOS_LIBRARY, libmesos.so, for tests
#   MESOS_PREFIX        where Mesos is installed
#   MESOS_SOURCE_DIR    an unpacked release, built in MESOS_BUILD_DIR (by default in build/, or in the sources themselves)
#
# If none is: /usr, /usr/local, /opt/mesos, /opt/mesosphere, then the trees that get-mesos.sh leaves under /opt/mesos.
#
# What was found: MESOS_FOUND, MESOS_VERSION, MESOS_INCLUDE_DIRS, MESOS_LIBRARY (may be missing), MESOS_MESSAGE, which says in a
# sentence what was found or what is lacking.
#
# As a script, `cmake -P FindMesos.cmake` prints these, one a line, as `-- NAME=value`.

cmake_minimum_required(VERSION 3.16)

set(_mesos_inputs MESOS_INCLUDE_DIR MESOS_LIBRARY MESOS_PREFIX MESOS_SOURCE_DIR MESOS_BUILD_DIR)
foreach(_input ${_mesos_inputs})
  if(NOT ${_input} AND NOT "$ENV{${_input}}" STREQUAL "")
    set(${_input} "$ENV{${_input}}")
  endif()
endforeach()

set(MESOS_FOUND FALSE)
set(MESOS_VERSION "")
set(MESOS_MESSAGE "")
set(MESOS_INCLUDE_DIRS "")

# What Mesos installs or unpacks its own copies of other libraries to, each in a directory of its own or all in one.
set(_mesos_bundled "")

function(_mesos_use_prefix prefix)
  foreach(lib lib lib64)
    if(EXISTS "${prefix}/${lib}/libmesos.so" AND NOT MESOS_LIBRARY)
      set(MESOS_LIBRARY "${prefix}/${lib}/libmesos.so" PARENT_SCOPE)
    endif()
    if(IS_DIRECTORY "${prefix}/${lib}/mesos/3rdparty/include")
      list(APPEND bundled "${prefix}/${lib}/mesos/3rdparty/include")
    endif()
  endforeach()
  set(MESOS_INCLUDE_DIRS "${prefix}/include" PARENT_SCOPE)
  set(_mesos_bundled "${bundled}" PARENT_SCOPE)
endfunction()

function(_mesos_use_source source build)
  foreach(dir
      "${source}/include" "${build}/include"
      "${source}/3rdparty/stout/include" "${source}/3rdparty/libprocess/include"
      # Before 1.0.
      "${source}/3rdparty/libprocess/3rdparty/stout/include")
    if(IS_DIRECTORY "${dir}" AND NOT dir IN_LIST dirs)
      list(APPEND dirs "${dir}")
    endif()
  endforeach()
  foreach(tree "${source}" "${build}")
    foreach(third "${tree}/3rdparty" "${tree}/3rdparty/libprocess/3rdparty" "${tree}/deps")
      foreach(name boost glog protobuf picojson rapidjson elfio concurrentqueue)
        file(GLOB found LIST_DIRECTORIES true "${third}/${name}-*")
        foreach(dir ${found})
          list(APPEND bundled "${dir}" "${dir}/include" "${dir}/src")
        endforeach()
      endforeach()
    endforeach()
  endforeach()
  if(EXISTS "${build}/src/.libs/libmesos.so" AND NOT MESOS_LIBRARY)
    set(MESOS_LIBRARY "${build}/src/.libs/libmesos.so" PARENT_SCOPE)
  endif()
  set(MESOS_INCLUDE_DIRS "${dirs}" PARENT_SCOPE)
  set(_mesos_bundled "${bundled}" PARENT_SCOPE)
endfunction()

function(_mesos_build_dir source result)
  if(MESOS_BUILD_DIR)
    set(${result} "${MESOS_BUILD_DIR}" PARENT_SCOPE)
  elseif(EXISTS "${source}/build/include/mesos/version.hpp")
    set(${result} "${source}/build" PARENT_SCOPE)
  else()
    set(${result} "${source}" PARENT_SCOPE)
  endif()
endfunction()

# Sets MESOS_VERSION if one of MESOS_INCLUDE_DIRS has Mesos' headers.
macro(_mesos_read_version)
  foreach(_dir ${MESOS_INCLUDE_DIRS})
    if(EXISTS "${_dir}/mesos/version.hpp" AND NOT MESOS_VERSION)
      file(STRINGS "${_dir}/mesos/version.hpp" _line REGEX "define[ \t]+MESOS_VERSION[ \t]")
      string(REGEX REPLACE ".*\"(.*)\".*" "\\1" MESOS_VERSION "${_line}")
      set(_mesos_at "${_dir}")
    endif()
  endforeach()
endmacro()

if(MESOS_INCLUDE_DIR)
  set(_mesos_asked "MESOS_INCLUDE_DIR=${MESOS_INCLUDE_DIR}")
  set(MESOS_INCLUDE_DIRS "${MESOS_INCLUDE_DIR}")
  _mesos_read_version()
elseif(MESOS_PREFIX)
  set(_mesos_asked "MESOS_PREFIX=${MESOS_PREFIX}")
  _mesos_use_prefix("${MESOS_PREFIX}")
  _mesos_read_version()
elseif(MESOS_SOURCE_DIR)
  set(_mesos_asked "MESOS_SOURCE_DIR=${MESOS_SOURCE_DIR}")
  _mesos_build_dir("${MESOS_SOURCE_DIR}" _build)
  _mesos_use_source("${MESOS_SOURCE_DIR}" "${_build}")
  _mesos_read_version()
else()
  set(_mesos_asked "/usr, /usr/local, /opt/mesos and /opt/mesosphere; MESOS_PREFIX names another place")
  foreach(_prefix /usr /usr/local /opt/mesos /opt/mesosphere)
    if(NOT MESOS_VERSION)
      set(MESOS_LIBRARY "")
      _mesos_use_prefix("${_prefix}")
      _mesos_read_version()
    endif()
  endforeach()
  if(NOT MESOS_VERSION)
    set(MESOS_LIBRARY "")
    file(GLOB _trees LIST_DIRECTORIES true /opt/mesos/src/mesos-*)
    list(SORT _trees COMPARE NATURAL ORDER DESCENDING)
    foreach(_tree ${_trees})
      if(NOT MESOS_VERSION)
        _mesos_build_dir("${_tree}" _build)
        _mesos_use_source("${_tree}" "${_build}")
        _mesos_read_version()
      endif()
    endforeach()
  endif()
endif()

# Adds the directory of a header that Mesos' own include, or says which package has it.
macro(_mesos_need header package)
  find_path(_mesos_dir "${header}"
    PATHS ${_mesos_bundled} ${MESOS_INCLUDE_DIRS} NO_DEFAULT_PATH NO_CACHE)
  if(NOT _mesos_dir)
    find_path(_mesos_dir "${header}" PATHS /usr/local/include /usr/include NO_CACHE)
  endif()
  if(NOT _mesos_dir)
    # Debian has some in a directory named after the machine.
    file(GLOB _machine_dirs LIST_DIRECTORIES true /usr/include/*-linux-gnu*)
    find_path(_mesos_dir "${header}" PATHS ${_machine_dirs} NO_DEFAULT_PATH NO_CACHE)
  endif()
  if(_mesos_dir)
    string(REGEX REPLACE "/$" "" _mesos_dir "${_mesos_dir}")
    list(APPEND MESOS_INCLUDE_DIRS "${_mesos_dir}")
  elseif(NOT MESOS_MESSAGE)
    set(MESOS_MESSAGE "Mesos ${MESOS_VERSION} in ${_mesos_at} includes ${header}, which is missing: install ${package} (Debian's name), or Mesos with --enable-install-module-dependencies")
  endif()
  unset(_mesos_dir)
endmacro()

if(NOT MESOS_VERSION)
  set(MESOS_INCLUDE_DIRS "")
  set(MESOS_MESSAGE "no mesos/version.hpp was found (looked in ${_mesos_asked})")
else()
  foreach(_header process/future.hpp stout/option.hpp mesos/mesos.pb.h)
    find_path(_mesos_dir "${_header}" PATHS ${MESOS_INCLUDE_DIRS} NO_DEFAULT_PATH NO_CACHE)
    if(NOT _mesos_dir AND NOT MESOS_MESSAGE)
      set(MESOS_MESSAGE "Mesos ${MESOS_VERSION} in ${_mesos_at} has no ${_header}: its headers are not installed, or it is not built yet")
    endif()
    unset(_mesos_dir)
  endforeach()
  _mesos_need(glog/logging.h libgoogle-glog-dev)
  _mesos_need(google/protobuf/message.h libprotobuf-dev)
  # Nothing of the stand-in for tests needs the rest.
  if(NOT MESOS_VERSION MATCHES "stand-in")
    _mesos_need(boost/version.hpp libboost-dev)
    _mesos_need(picojson.h libpicojson-dev)
    _mesos_need(curl/curl.h libcurl4-openssl-dev)
    if(MESOS_VERSION VERSION_GREATER_EQUAL 1.7)
      _mesos_need(rapidjson/rapidjson.h rapidjson-dev)
    endif()
  endif()
endif()

if(NOT MESOS_MESSAGE)
  set(MESOS_FOUND TRUE)
  list(REMOVE_DUPLICATES MESOS_INCLUDE_DIRS)
  # The compiler looks there anyway, and must do so last.
  list(FILTER MESOS_INCLUDE_DIRS EXCLUDE REGEX "^/usr(/local)?/include(/[^/]*-linux-gnu[^/]*)?$")
  set(MESOS_MESSAGE "Mesos ${MESOS_VERSION}, headers in ${_mesos_at}")
  if(MESOS_LIBRARY)
    string(APPEND MESOS_MESSAGE ", library ${MESOS_LIBRARY}")
  endif()
endif()

set(Mesos_FOUND ${MESOS_FOUND})

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  foreach(_name MESOS_FOUND MESOS_VERSION MESOS_INCLUDE_DIRS MESOS_LIBRARY MESOS_MESSAGE)
    message(STATUS "${_name}=${${_name}}")
  endforeach()
elseif(NOT MESOS_FOUND AND Mesos_FIND_REQUIRED)
  message(FATAL_ERROR "${MESOS_MESSAGE}")
endif()
