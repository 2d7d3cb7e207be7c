#include "tests/support/edit_case.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace gpustack::test {

void expect_edit(const modules::ModuleSpec& spec, const EditCase& edit) {
  MemorySystem system;
  system.file("/f", edit.before);
  Value arguments = Value::map({{"path", "/f"}});
  for (const auto& [key, value] : edit.arguments) arguments.set(key, value);

  if (std::string_view(edit.before) == edit.after) {
    expect_unchanged(spec, arguments, system);
  } else {
    expect_converges(spec, arguments, system);
  }

  EXPECT_EQ(system.text("/f"), edit.after);
}

}  // namespace gpustack::test
