# The standard library's headers, parsed once for all rooms instead of by each file: about a quarter of a clean build's time.
# Only headers that hardly change are in it; a file includes what it uses all the same. Two of them: tests have GoogleTest's, too.
file(WRITE ${CMAKE_BINARY_DIR}/nothing.cpp "")
function(nubecita_common_headers name)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/nothing.cpp)
  target_precompile_headers(${name} PRIVATE <algorithm> <charconv> <chrono> <expected> <functional> <map> <memory>
    <mutex> <optional> <ranges> <set> <span> <string> <string_view> <thread> <vector> <fmt/core.h> ${ARGN})
endfunction()
nubecita_common_headers(common_headers)
nubecita_common_headers(common_test_headers <gtest/gtest.h>)
# Files of Debian's packages have the dates of their making: ninja does not see that an upgrade has replaced a header, clang does
# and refuses what it had parsed before. dpkg's lists have the date of the installation.
file(GLOB parsed_before ${CMAKE_BINARY_DIR}/CMakeFiles/common*.dir/*.pch)
file(GLOB header_packages /var/lib/dpkg/info/*-dev.list /var/lib/dpkg/info/*-dev:*.list)
foreach(parsed IN LISTS parsed_before)
  foreach(package IN LISTS header_packages)
    if(${package} IS_NEWER_THAN ${parsed})
      file(REMOVE ${parsed})
    endif()
  endforeach()
endforeach()

# How a room is declared. One target per folder, with the rooms that it may use, so that a forbidden include does not link.
#
#   nubecita_room(<name> [SOURCES a.cpp ...] [USES other rooms and libraries] [PRIVATE_USES libraries not seen through headers]
#                 [TESTS a_test.cpp ...] [FUZZ a_fuzz.cpp ...] [GENERATED x.cpp ...] [TEST_NAME name])
#
# Without SOURCES, every .cpp of the folder that is not a *_test.cpp or *_fuzz.cpp; without TESTS, every *_test.cpp; FUZZ likewise.
function(nubecita_room name)
  cmake_parse_arguments(R "" "TEST_NAME" "SOURCES;USES;PRIVATE_USES;TESTS;FUZZ;GENERATED" ${ARGN})
  if(NOT R_TEST_NAME)
    set(R_TEST_NAME ${name})
  endif()
  if(NOT R_SOURCES)
    file(GLOB R_SOURCES CONFIGURE_DEPENDS *.cpp)
    list(FILTER R_SOURCES EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  endif()
  if(NOT R_TESTS)
    file(GLOB R_TESTS CONFIGURE_DEPENDS *_test.cpp)
  endif()
  if(NOT R_FUZZ)
    file(GLOB R_FUZZ CONFIGURE_DEPENDS *_fuzz.cpp)
  endif()
  list(APPEND R_SOURCES ${R_GENERATED})
  if(R_SOURCES)
    add_library(nbc_${name} STATIC ${R_SOURCES})
    target_precompile_headers(nbc_${name} REUSE_FROM common_headers)
    set(scope PUBLIC)
    target_link_libraries(nbc_${name} PRIVATE ${R_PRIVATE_USES})
  else()
    add_library(nbc_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(nbc_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(nbc_${name} ${scope} ${R_USES})
  if(R_TESTS)
    add_executable(${R_TEST_NAME}_test ${R_TESTS})
    target_precompile_headers(${R_TEST_NAME}_test REUSE_FROM common_test_headers)
    target_link_libraries(${R_TEST_NAME}_test PRIVATE nbc_${name} ${R_PRIVATE_USES} gtest_main gtest)
    add_test(NAME ${R_TEST_NAME} COMMAND ${R_TEST_NAME}_test)
    set_tests_properties(${R_TEST_NAME} PROPERTIES TIMEOUT 300)
  endif()
  if(NUBECITA_FUZZ)
    foreach(file ${R_FUZZ})
      get_filename_component(target ${file} NAME_WE)
      add_executable(${target} ${file})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE nbc_${name} ${R_PRIVATE_USES})
      add_test(NAME ${target} COMMAND ${target} -max_total_time=${NUBECITA_FUZZ_SECONDS} -max_len=8192 -rss_limit_mb=2048)
      set_tests_properties(${target} PROPERTIES LABELS fuzz)
    endforeach()
  endif()
endfunction()

find_package(Python3 REQUIRED COMPONENTS Interpreter)

# The model compiler's outputs for one service: models/<service>.hpp below <build>/generated, and sources in `result`.
#
#   nubecita_model(<result> <service> [MODELS folder] [OUT folder] [FLAGS of compile.py])
function(nubecita_model result service)
  cmake_parse_arguments(M "" "MODELS;OUT" "FLAGS" ${ARGN})
  if(NOT M_MODELS)
    set(M_MODELS ${CMAKE_SOURCE_DIR}/models)
  endif()
  set(out ${CMAKE_BINARY_DIR}/generated)
  if(M_OUT)
    set(out ${M_OUT})
  endif()
  set(sources ${out}/${service}_model.cpp)
  if(NOT "--no-operations" IN_LIST M_FLAGS)
    list(APPEND sources ${out}/${service}_operations.cpp)
  endif()
  add_custom_command(
    OUTPUT ${sources} ${out}/models/${service}.hpp
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/codegen/compile.py ${service} --models ${M_MODELS} --out ${out} ${M_FLAGS}
    DEPENDS ${M_MODELS}/${service}.json ${M_MODELS}/${service}.ops ${CMAKE_SOURCE_DIR}/codegen/compile.py
            ${CMAKE_SOURCE_DIR}/codegen/ops.py
    COMMENT "Compiling the model of ${service}" VERBATIM)
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# A service's room: the library nbc_svc_<service> of the folder's sources and of its compiled model, the test program
# <service>_test. Takes what nubecita_room takes; the rooms that every service uses need no naming.
function(nubecita_service service)
  cmake_parse_arguments(S "" "" "USES" ${ARGN})
  nubecita_model(generated ${service})
  nubecita_room(svc_${service} TEST_NAME ${service} GENERATED ${generated} ${S_UNPARSED_ARGUMENTS}
                USES nbc_base nbc_wire nbc_store nbc_api nbc_control ${S_USES})
  target_include_directories(nbc_svc_${service} PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()
