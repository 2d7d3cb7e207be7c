# The helpers every folder uses: one library per folder, one test program per library.

find_package(Threads REQUIRED)

# Header-only packages live in /usr/include, which a cross compiler must not search as a whole:
# only their own folders are linked into the build tree.
set(GPUSTACK_HEADER_ONLY ${CMAKE_BINARY_DIR}/header-only)
file(MAKE_DIRECTORY ${GPUSTACK_HEADER_ONLY})
foreach(package tl nlohmann mbedtls psa)
  if(NOT EXISTS /usr/include/${package})
    message(FATAL_ERROR "/usr/include/${package} is missing: run ./dev setup")
  endif()
  file(CREATE_LINK /usr/include/${package} ${GPUSTACK_HEADER_ONLY}/${package} SYMBOLIC)
endforeach()
foreach(header pcre2.h pugixml.hpp pugiconfig.hpp zstd.h zstd_errors.h ares.h ares_version.h ares_rules.h ares_dns.h ares_build.h ares_nameser.h)
  if(EXISTS /usr/include/${header})
    file(CREATE_LINK /usr/include/${header} ${GPUSTACK_HEADER_ONLY}/${header} SYMBOLIC)
  elseif(EXISTS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/${header})
    file(CREATE_LINK /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/${header} ${GPUSTACK_HEADER_ONLY}/${header} SYMBOLIC)
  endif()
endforeach()

add_library(gpustack_options INTERFACE)
target_include_directories(gpustack_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_include_directories(gpustack_options SYSTEM INTERFACE ${GPUSTACK_HEADER_ONLY})
target_compile_options(gpustack_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(CMAKE_BUILD_TYPE MATCHES "Rel$|^Release$")
  # For the linker of what travels to hosts, see modules/runner.
  target_compile_options(gpustack_options INTERFACE -ffunction-sections -fdata-sections)
endif()
if(GPUSTACK_RUNNER_ONLY)
  # Nobody reads on a host what modules are for, and a static program has one place: 3 % less code. Another 3 % are chains of
  # frames, which only profilers follow: exceptions have tables.
  target_compile_definitions(gpustack_options INTERFACE GPUSTACK_WITHOUT_DOCS)
  target_compile_options(gpustack_options INTERFACE -fno-pie -fomit-frame-pointer)
endif()
if(GPUSTACK_WERROR)
  target_compile_options(gpustack_options INTERFACE -Werror)
endif()
if(GPUSTACK_SANITIZE)
  # What a sanitizer finds ends the program: on a host nobody reads what it prints.
  target_compile_options(gpustack_options INTERFACE -fsanitize=${GPUSTACK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(gpustack_options INTERFACE -fsanitize=${GPUSTACK_SANITIZE})
endif()

# gpustack_static_library(<variable> <file> [THROWS]): finds a static library, for this machine or the one a cross compiler
# builds for. The program that travels to hosts gets a copy without tables for unwinding: nothing is thrown through a
# library in C (what is called back by one is checked for that), and these tables are a third of all in the program.
# One in C++ THROWS, and keeps them.
function(gpustack_static_library variable file)
  cmake_parse_arguments(PARSE_ARGV 2 arg "THROWS" "" "")
  if(NOT CMAKE_CROSSCOMPILING)
    find_library(${variable} ${file} REQUIRED)
    return()
  endif()
  find_library(${variable} ${file} PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH REQUIRED)
  if(arg_THROWS)
    return()
  endif()
  gpustack_without_unwinding(${${variable}} copy)
  set(${variable} ${copy} PARENT_SCOPE)
endfunction()

# gpustack_without_unwinding(<library> <variable>): the path of such a copy.
function(gpustack_without_unwinding library variable)
  get_filename_component(name ${library} NAME)
  set(copy ${CMAKE_BINARY_DIR}/lean/${name})
  if(NOT EXISTS ${copy} OR ${library} IS_NEWER_THAN ${copy})
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lean)
    execute_process(COMMAND ${CMAKE_OBJCOPY} --remove-section=.eh_frame --remove-section=.rela.eh_frame ${library} ${copy}.new
      COMMAND_ERROR_IS_FATAL ANY)
    file(RENAME ${copy}.new ${copy})
  endif()
  set(${variable} ${copy} PARENT_SCOPE)
endfunction()

# gpustack_precompile(<target>): precompiles the folder's precompiled.hpp. Named from the checkout's root, so that the
# compiler cache takes two checkouts for the same.
function(gpustack_precompile target)
  file(RELATIVE_PATH header ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/precompiled.hpp)
  target_precompile_headers(${target} PRIVATE <${header}>)
endfunction()

# gpustack_library(<name> [DEPENDS targets...] [PRIVATE_DEPENDS targets...] [SUBFOLDERS folders...] [HEADERS_OF library])
# Makes gpustack_<name> (alias gpustack::<name>) from the .cpp files of the folder it is called in. They are compiled with
# the precompiled headers of HEADERS_OF (base unless told), or with their own where the folder has a precompiled.hpp.
function(gpustack_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADERS_OF" "DEPENDS;PRIVATE_DEPENDS;SUBFOLDERS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(folder ${arg_SUBFOLDERS})
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(NOT sources)
    # Headers alone: the library still carries its folder's dependencies.
    add_library(gpustack_${name} INTERFACE)
    add_library(gpustack::${name} ALIAS gpustack_${name})
    target_link_libraries(gpustack_${name} INTERFACE gpustack_options ${arg_DEPENDS})
    return()
  endif()
  add_library(gpustack_${name} STATIC ${sources})
  add_library(gpustack::${name} ALIAS gpustack_${name})
  target_link_libraries(gpustack_${name} PUBLIC gpustack_options ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  if(NOT arg_HEADERS_OF)
    set(arg_HEADERS_OF base)
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/precompiled.hpp)
    gpustack_precompile(gpustack_${name})
  else()
    target_precompile_headers(gpustack_${name} REUSE_FROM gpustack_${arg_HEADERS_OF})
  endif()
endfunction()

# gpustack_test(<name> <folder> [DEPENDS targets...] [LABELS labels...])
# One program from tests/<folder>/**/*_test.cpp, registered with ctest; its results land in build/test-results.
function(gpustack_test name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "DEPENDS;LABELS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${sources})
  target_precompile_headers(${name} REUSE_FROM gpustack_test_support)
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} --gtest_output=xml:${CMAKE_BINARY_DIR}/test-results/${name}.xml)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "GPUSTACK_SOURCE_DIR=${CMAKE_SOURCE_DIR};GPUSTACK_BINARY_DIR=${CMAKE_BINARY_DIR}")
endfunction()

# gpustack_script_test(<name> <script> [LABELS labels...] [TIMEOUT seconds] [COST seconds] [SERIAL] [ONLY_WITH name]), the last for
# `ctest -C name` alone. A Python test (unittest) under tests/; it is told where sources, build and results are. COST: what a long
# one takes, so that it is not the last to begin.
function(gpustack_script_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 arg "SERIAL" "TIMEOUT;COST;ONLY_WITH" "LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  set(configurations)
  if(arg_ONLY_WITH)
    set(configurations CONFIGURATIONS ${arg_ONLY_WITH})
  endif()
  add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/tools/run_unittest.py
    ${CMAKE_SOURCE_DIR}/tests/${script} --results ${CMAKE_BINARY_DIR}/test-results/${name}.xml ${configurations})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "GPUSTACK_SOURCE_DIR=${CMAKE_SOURCE_DIR};GPUSTACK_BINARY_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1;GPUSTACK_PERSIST=false")
  if(arg_COST)
    set_tests_properties(${name} PROPERTIES COST ${arg_COST})
  endif()
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# gpustack_allocator(TARGET): a run is made of many small values, and glibc's allocator took a sixth of its time. Linked
# statically: there is no other library to install. Sanitizers bring an allocator of their own.
function(gpustack_allocator target)
  if(GPUSTACK_SANITIZE)
    return()
  endif()
  find_library(GPUSTACK_JEMALLOC libjemalloc_pic.a REQUIRED)
  target_link_libraries(${target} PRIVATE ${GPUSTACK_JEMALLOC} ${CMAKE_DL_LIBS})
endfunction()
