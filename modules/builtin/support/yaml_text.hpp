#pragma once
/// @file YAML as text in which single values are changed; comments around them stay.

#include "modules/builtin/support/data_edit.hpp"

#include <memory>
#include <string>

namespace gpustack::modules {

/// @param indent  blanks of a level where the text does not show them
std::unique_ptr<DocumentText> make_yaml_text(std::string text, int indent);

}  // namespace gpustack::modules
