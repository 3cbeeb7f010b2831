#include <iostream>

#include "commands.hpp"

namespace nubecita::commands {

int version(const Common& common) {
  if (common.json)
    std::cout << R"({"name":"nubecita","version":")" NUBECITA_VERSION R"("})" << "\n";
  else
    std::cout << "nubecita " NUBECITA_VERSION "\n";
  return 0;
}

}  // namespace nubecita::commands
