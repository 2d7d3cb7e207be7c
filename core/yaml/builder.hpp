#pragma once
/// @file Builds nodes from the parser's events: anchors, merge keys, types, marks, limits.

#include "core/yaml/content.hpp"
#include "core/yaml/node.hpp"
#include "core/yaml/place.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::yaml {

/// What the builder is told about the text it reads.
struct BuildOptions {
  const SourceFile* source = nullptr;  ///< null: values get no origin
  VaultReader* vault = nullptr;
  Mark marks = Mark::none;  ///< given to every scalar (text out of a vault file is secret)
  bool ansible_tags = true;
};

/// Stands for a '?' in the text the parser is given.
inline constexpr char kShieldedQuestionMark = '\x01';

/// Thrown through the parser by the builder, caught where the parser was called.
struct BuildFailure {
  Error error;
};

/// One document's worth of events. Requires: `text` outlives the builder.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, BuildOptions options);

  /// The root, once a document has ended; reset for the next document.
  Node take_root();
  [[nodiscard]] bool has_document() const { return has_document_; }
  [[nodiscard]] const SourceSpan& document_start() const { return document_start_; }
  std::vector<Warning> take_warnings() { return std::move(warnings_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override;
  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override;

 private:
  struct PendingMerge {
    Node from;
    SourceSpan key_span;
  };
  /// A sequence or mapping whose end has not come yet.
  struct Open {
    Node node;
    Node::Content content;
    std::size_t offset = 0;
    YAML::anchor_t anchor = 0;
    bool is_mapping = false;
    bool is_unsafe = false;
    bool key_is_merge = false;
    std::optional<Node> key;
    std::vector<PendingMerge> merges;
  };

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, NodeKind kind);
  void close();
  void refuse_as_key(const Open& open);
  static Value plain_value(const Open& open);
  void merge_into(Open& open);
  void merge_members(std::vector<Node::Member>& merged,
                     const Node& from,
                     const SourceSpan& key_span);
  void add(Node node, std::size_t expanded, bool is_plain_scalar);
  void add_member(Open& open, Node value);
  void remember(YAML::anchor_t anchor, const Node& node, std::size_t expanded);
  void count(std::size_t nodes, const SourceSpan& span);
  Value typed(std::string_view tag, const std::string& text, const SourceSpan& span);
  Value opened_vault(const std::string& text, const SourceSpan& span);
  [[nodiscard]] Node unsafe_copy(const Node& node) const;
  SourceSpan node_span(const YAML::Mark& mark);
  [[noreturn]] void fail(Error error) const;
  void tell_duplicate(const Node::Member& later, std::uint32_t first_line);

  struct Anchored {
    Node node;
    std::size_t expanded = 1;
    bool is_open = true;
  };

  std::string_view text_;
  BuildOptions options_;
  Cursor cursor_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Node root_;
  std::size_t nodes_ = 0;
  bool has_document_ = false;
  SourceSpan document_start_;
  std::vector<Warning> warnings_;
};

}  // namespace gpustack::yaml
