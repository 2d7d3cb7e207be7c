#pragma once
/// @file Compiled texts by their source, shared by all hosts.

#include "core/jinja/ast.hpp"

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gpustack::jinja {

/// Thread: any.
class TemplateCache {
 public:
  enum class What : std::uint8_t { text, expression };

  Result<std::shared_ptr<const Template>> compile(std::string_view source,
                                                  const Origin* origin,
                                                  const Options& options,
                                                  What what);

 private:
  struct Entry {
    std::shared_ptr<const Program> program;
    std::shared_ptr<const Template> latest;  ///< most texts are asked for again from the same place
  };
  // Texts over this size are files; the bound keeps a daemon that sees generated texts from growing
  // for ever.
  static constexpr std::size_t kMaxEntries = 20'000;

  std::shared_mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

class Environment::Cache : public TemplateCache {};

}  // namespace gpustack::jinja
