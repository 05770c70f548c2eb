# How a test is registered: with a label for the leg that it stands on, and a hang guard.
#
# A TIMEOUT only ends a test that hangs; it is generous because the machine may be busy. No test asserts a time.

# Environment of every test: options for the sanitizers, and no display needed.
set(ORRERY_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/lsan.supp:print_suppressions=0"
    "ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-19/bin/llvm-symbolizer"
    "QT_QPA_PLATFORM=offscreen")

# orrery_register_test(<name> [LABEL host|guest|gui|protocol|fuzz|model|bench|launcher] [TIMEOUT seconds]
#                      [RESOURCE_LOCK name] [PROCESSORS n] [ENVIRONMENT VAR=value...] COMMAND program arguments...)
# For a test that is not GoogleTest: a script, a Qt Test, a fuzzer's run over its corpus.
function(orrery_register_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT;RESOURCE_LOCK;PROCESSORS" "COMMAND;ENVIRONMENT")
    if(NOT arg_LABEL)
        set(arg_LABEL host)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    add_test(NAME ${name} COMMAND ${arg_COMMAND})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "${ORRERY_TEST_ENVIRONMENT};${arg_ENVIRONMENT}")
    if(arg_RESOURCE_LOCK)
        set_tests_properties(${name} PROPERTIES RESOURCE_LOCK ${arg_RESOURCE_LOCK})
    endif()
    if(arg_PROCESSORS)
        set_tests_properties(${name} PROPERTIES PROCESSORS ${arg_PROCESSORS})
    endif()
endfunction()

# orrery_gtest(<name> sources... [LIBS libraries...] [LABEL ...] [TIMEOUT ...] [RESOURCE_LOCK ...] [PROCESSORS n]
#              [ENVIRONMENT VAR=value...])
# One GoogleTest (and GoogleMock) executable, which ctest runs as one test.
function(orrery_gtest name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT;RESOURCE_LOCK;PROCESSORS" "LIBS;ENVIRONMENT")
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    target_compile_options(${name} PRIVATE ${ORRERY_QUICK_TO_COMPILE})
    target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
    set(options)
    foreach(option LABEL TIMEOUT RESOURCE_LOCK PROCESSORS)
        if(arg_${option})
            list(APPEND options ${option} ${arg_${option}})
        endif()
    endforeach()
    orrery_register_test(${name} ${options} ENVIRONMENT ${arg_ENVIRONMENT} COMMAND ${name} --gtest_brief=0)
endfunction()
