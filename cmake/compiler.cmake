# How all host code is compiled: C++23, warnings are errors, and the sanitizers if asked for.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
    message(FATAL_ERROR
        "Orrery is built with clang 19 or newer, and this is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. "
        "Use `./orrery build`, or `cmake --preset release`, which choose clang++-19.")
endif()

find_program(ORRERY_CCACHE ccache)
if(ORRERY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${ORRERY_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${ORRERY_CCACHE})
endif()

# Naming some fields of a structure and leaving the others at their defaults is what designated initializers are for.
add_compile_options(-Wall -Wextra -Werror -Wno-missing-designated-field-initializers -fdiagnostics-color=auto)
add_link_options(-fuse-ld=lld)

# The build type of the `test` preset: quick to compile, yet with the lines that a sanitizer report names.
set(CMAKE_C_FLAGS_TEST "-O1 -gline-tables-only -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_TEST ${CMAKE_C_FLAGS_TEST})
# For what is mostly templates of libraries (tests over GoogleTest, command lines over CLI11): optimizing them under the
# sanitizers takes longer than they run.
set(ORRERY_QUICK_TO_COMPILE $<$<CONFIG:Test>:-O0>)

if(ORRERY_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()

add_compile_definitions(
    ORRERY_OS_BUILD_DIR="${ORRERY_OS_BUILD_DIR}"
    ORRERY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/os)
