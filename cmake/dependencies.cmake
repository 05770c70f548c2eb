# Everything that the host code uses from Debian, as imported targets. The packages are named in cmake/packages.txt.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(zydis REQUIRED)
find_package(Qt6 6.4 REQUIRED COMPONENTS Core Gui Widgets Svg Network Test)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

pkg_check_modules(libdw REQUIRED IMPORTED_TARGET libdw libelf)
find_path(ORRERY_VALIJSON_INCLUDE valijson/validator.hpp REQUIRED)

# dep::dw: libdw and libelf (types, lines, call frames, ELF).
add_library(dep_dw INTERFACE)
target_link_libraries(dep_dw INTERFACE PkgConfig::libdw)
add_library(dep::dw ALIAS dep_dw)

# dep::zydis: disassembly.
add_library(dep_zydis INTERFACE)
target_link_libraries(dep_zydis INTERFACE Zydis::Zydis)
add_library(dep::zydis ALIAS dep_zydis)

# dep::valijson: JSON schema validation, headers only (SYSTEM: its warnings are not ours).
add_library(dep_valijson INTERFACE)
target_include_directories(dep_valijson SYSTEM INTERFACE ${ORRERY_VALIJSON_INCLUDE})
target_link_libraries(dep_valijson INTERFACE nlohmann_json::nlohmann_json)
add_library(dep::valijson ALIAS dep_valijson)

# dep::cli11: command line parser, headers only.
add_library(dep_cli11 INTERFACE)
target_link_libraries(dep_cli11 INTERFACE CLI11::CLI11)
add_library(dep::cli11 ALIAS dep_cli11)
