#include "core/gpu/declared_images.hpp"

#include "core/yaml/node.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// What stands for `${…}`. @return nothing when the variable has no value and no default
std::optional<std::string> value_of(const std::string& inside, const Variables& variables) {
  const auto end = std::ranges::find_if_not(inside, is_name);
  const std::string name(inside.begin(), end);
  const std::string rest(end, inside.end());
  auto set = variables(name);
  if (rest.empty()) return set;
  // With a colon an empty value counts as none.
  if (rest.starts_with(":-")) return set && !set->empty() ? *set : rest.substr(2);
  if (rest.starts_with("-")) return set ? *set : rest.substr(1);
  return set;  // `:?message`: what is missing is an error here anyway
}

/// @param missing  gets the name of a variable without a value
std::optional<std::string> put_in(const std::string& text,
                                  const Variables& variables,
                                  std::string& missing) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      out += text[at++];
      continue;
    }
    if (text.compare(at, 2, "$$") == 0) {
      out += '$';
      at += 2;
      continue;
    }
    std::string inside;
    std::size_t next = at + 1;
    if (text.compare(at, 2, "${") == 0) {
      const auto close = text.find('}', at);
      inside = text.substr(at + 2, close == std::string::npos ? close : close - at - 2);
      next = close == std::string::npos ? text.size() : close + 1;
    } else {
      while (next < text.size() && is_name(text[next])) ++next;
      inside = text.substr(at + 1, next - at - 1);
    }
    const auto value = value_of(inside, variables);
    if (!value) {
      missing = std::string(inside.begin(), std::ranges::find_if_not(inside, is_name));
      return std::nullopt;
    }
    out += *value;
    at = next;
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> declared_images(const std::string& path,
                                                 const std::string& text,
                                                 const Variables& variables) {
  GS_TRY(const auto document, yaml::load(path, text));
  const yaml::Node* services = document.root.find("services");
  if (services == nullptr || !services->is_mapping()) {
    return Error(ErrorCode::usage, "'" + path + "' is no compose file: it has no map 'services'")
        .at(document.root.span())
        .hint("expected services: with a map of each service's settings below it");
  }
  std::vector<std::string> images;
  for (const yaml::Node::Member& service : services->members()) {
    const yaml::Node* image = service.value.find("image");
    if (image == nullptr) continue;
    if (!image->is_scalar() || !image->scalar().is_string()) {
      return Error(ErrorCode::usage,
                   "service '" + to_text(service.key) + "': image is no text, expected a name")
          .at(image->span());
    }
    std::string missing;
    auto name = put_in(image->scalar().as_string(), variables, missing);
    if (!name) {
      return Error(ErrorCode::usage,
                   "service '" + to_text(service.key) + "': '" + missing +
                       "' in its image has no value")
          .at(image->span())
          .hint("set " + missing + " in the environment, or name the image with --image");
    }
    if (std::ranges::find(images, *name) == images.end()) images.push_back(std::move(*name));
  }
  return images;
}

}  // namespace gpustack::gpu
