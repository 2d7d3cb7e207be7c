#pragma once
/// @file Compiled texts by their source, shared by all hosts.

#include "core/jinja/ast.hpp"

#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
    What what;
    std::shared_ptr<const Program> program;
    std::shared_ptr<const Template> latest;  ///< most texts are asked for again from the same place
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  /// Of one source; each with options of its own, usually there is one.
  using Variants = std::vector<Entry>;

  static const Entry* find(const Variants& variants, const Options& options, What what);
  // Texts over this size are files; the bound keeps a daemon that sees generated texts from growing
  // for ever.
  static constexpr std::size_t kMaxEntries = 20'000;

  std::shared_mutex mutex_;
  std::unordered_map<std::string, Variants, Hash, std::equal_to<>> entries_;
};

class Environment::Cache : public TemplateCache {};

}  // namespace gpustack::jinja
