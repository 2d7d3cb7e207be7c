#include "core/yaml/builder.hpp"

#include "core/yaml/fault.hpp"
#include "core/yaml/scalar.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <unordered_map>

namespace gpustack::yaml {

namespace {

constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::string_view kStandardTags = "tag:yaml.org,2002:";

std::size_t position(const YAML::Mark& mark) {
  return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
}

// As the user wrote it: `!!int` and not the tag's long name.
std::string shown_tag(std::string_view shielded) {
  std::string tag(shielded);
  std::ranges::replace(tag, kShieldedQuestionMark, '?');
  if (tag.starts_with(kStandardTags)) return "!!" + tag.substr(kStandardTags.size());
  return tag;
}

DuplicateKeys duplicate_keys = DuplicateKeys::warn;

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    if (c == '\n' || c == ' ' || c == '=') continue;
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFFU);
    }
  }
  return out;
}

struct ValueHash {
  std::size_t operator()(const Value& value) const { return value.hash(); }
};

}  // namespace

Builder::Builder(std::string_view text, BuildOptions options)
    : text_(text), options_(options), cursor_(text, options.source) {}

Node Builder::take_root() {
  has_document_ = false;
  anchors_.clear();
  return std::move(root_);
}

void set_duplicate_keys(DuplicateKeys mode) { duplicate_keys = mode; }

void Builder::fail(Error error) const { throw BuildFailure{std::move(error)}; }

SourceSpan Builder::node_span(const YAML::Mark& mark) { return cursor_.at(position(mark)); }

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  has_document_ = true;
  nodes_ = 0;
  document_start_ = node_span(mark);
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Node node;
  const std::size_t at = skip_properties(text_, position(mark));
  const std::string_view rest = text_.substr(std::min(at, text_.size()));
  if (rest.starts_with(",") && !stack_.empty() && !stack_.back().is_mapping) {
    fail(Error(ErrorCode::yaml_syntax, "expected a list item, found ','").at(cursor_.at(at)));
  }
  if (rest.starts_with("~")) {
    node.span_ = cursor_.at(at);
  } else if (rest.starts_with("null") || rest.starts_with("Null") || rest.starts_with("NULL")) {
    node.span_ = cursor_.at(at, 4);
  } else if (!stack_.empty() &&
             stack_.back().key) {  // nothing was written: the key is the nearest place
    node.span_ = stack_.back().key->span_;
  } else {
    node.span_ = node_span(mark);
  }
  remember(anchor, node, 1);
  count(1, node.span_);
  add(std::move(node), 1, true);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  SourceSpan span = node_span(mark);
  const std::size_t end = std::min(text_.find_first_of(" \t\n,]}", position(mark)), text_.size());
  span.length = static_cast<std::uint32_t>(
      std::max<std::size_t>(code_points(text_.substr(position(mark), end - position(mark))), 1));
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end() || found->second.is_open) {
    fail(Error(ErrorCode::yaml_alias,
               "the alias '" + std::string(text_.substr(position(mark), end - position(mark))) +
                   "' stands inside the node it refers to")
             .at(span)
             .hint("a node cannot contain itself; write the value out, or move the anchor"));
  }
  Node node = found->second.node;
  node.span_ = span;
  count(found->second.expanded, span);
  add(std::move(node), found->second.expanded, false);
}

void Builder::OnScalar(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       const std::string& shielded) {
  std::string value = shielded;
  std::ranges::replace(value, kShieldedQuestionMark, '?');
  const ScalarPlace place = scalar_place(text_, position(mark), value);
  const SourceSpan span = cursor_.at(place.offset, place.length);
  if (!place.is_closed) {
    fail(Error(ErrorCode::yaml_syntax, "the quoted string that begins here never ends")
             .at(cursor_.at(place.offset))
             .hint("close it with a " +
                   std::string(place.style == ScalarStyle::double_quoted ? "\"" : "'")));
  }
  Node node;
  node.span_ = span;
  const bool is_plain = tag == "?";
  const bool is_kept_block =
      place.style == ScalarStyle::folded && keeps_line_ends(text_, place.offset);
  Value typed_value = is_plain        ? typed_plain_scalar(value)
                      : is_kept_block ? typed(tag, with_kept_line_ends(text_, place, value), span)
                                      : typed(tag, value, span);
  if (typed_value.is_string() && typed_value.origin() == nullptr && options_.source != nullptr) {
    const Mark marks = typed_value.marks();
    typed_value =
        Value::string_at(typed_value.as_string(), Origin{span, place.style, place.indent});
    typed_value.mark(marks);
  }
  if (!typed_value.is_bool() && !typed_value.is_null()) typed_value.mark(options_.marks);
  node.kind_ = typed_value.is_null() ? NodeKind::null : NodeKind::scalar;
  node.value_ = std::move(typed_value);
  remember(anchor, node, 1);
  count(1, span);
  add(std::move(node), 1, is_plain);
}

Value Builder::opened_vault(const std::string& text, const SourceSpan& span) {
  if (options_.vault == nullptr) {
    fail(Error(ErrorCode::vault_no_secret,
               "this value is encrypted, and no vault password was given")
             .at(span)
             .hint("pass --ask-vault-pass, --vault-password-file or --vault-id"));
  }
  auto opened = options_.vault->open_value(text, span);
  if (!opened) fail(std::move(opened).error().at_if_unknown(span));
  return std::move(*opened);
}

namespace {

constexpr std::string_view kTextTypes[] = {"str", "timestamp"};
constexpr std::string_view kCheckedTypes[] = {"int", "float", "bool", "binary"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// The text read as a type of YAML's own; nothing when it is not of that type.
std::optional<Value> standard_value(std::string_view type, const std::string& text) {
  if (is_one_of(kTextTypes, type)) return Value(text);
  if (type == "null") return Value();
  if (type == "int") return read_integer(text);
  if (type == "bool") return read_boolean(text);
  if (type == "float") {
    auto number = read_real(text);
    if (!number) number = read_integer(text);
    return number ? std::optional<Value>(number->as_real()) : std::nullopt;
  }
  if (type != "binary") return std::nullopt;
  auto bytes = decode_base64(text);
  return bytes ? std::optional<Value>(std::move(*bytes)) : std::nullopt;
}

}  // namespace

Value Builder::typed(std::string_view tag, const std::string& text, const SourceSpan& span) {
  if (tag == "!") return Value(text);
  if (options_.ansible_tags && tag == "!unsafe") return Value(text).marked(Mark::unsafe);
  if (options_.ansible_tags && (tag == "!vault" || tag == "!vault-encrypted"))
    return opened_vault(text, span);
  if (tag.starts_with(kStandardTags)) {
    const std::string_view type = tag.substr(kStandardTags.size());
    if (auto value = standard_value(type, text)) return std::move(*value);
    if (is_one_of(kCheckedTypes, type)) {
      fail(Error(ErrorCode::yaml_type, "'" + text + "' is not of the type " + shown_tag(tag))
               .at(span));
    }
  }
  fail(Error(ErrorCode::yaml_syntax, "the tag '" + shown_tag(tag) + "' is not known here")
           .at(span)
           .hint(options_.ansible_tags
                     ? "known tags are !vault, !unsafe and YAML's own such as !!str"
                     : ""));
}

void Builder::OnSequenceStart(const YAML::Mark& mark,
                              const std::string& tag,
                              YAML::anchor_t anchor,
                              YAML::EmitterStyle::value /*style*/) {
  open(mark, tag, anchor, NodeKind::sequence);
}

void Builder::OnMapStart(const YAML::Mark& mark,
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) {
  open(mark, tag, anchor, NodeKind::mapping);
}

void Builder::open(const YAML::Mark& mark,
                   const std::string& tag,
                   YAML::anchor_t anchor,
                   NodeKind kind) {
  const std::size_t at = skip_properties(text_, position(mark));
  Open one;
  one.node.kind_ = kind;
  one.node.span_ = cursor_.at(at);
  one.offset = at;
  one.is_mapping = kind == NodeKind::mapping;
  one.anchor = anchor;
  if (stack_.size() >= kMaxDepth) {
    fail(Error(ErrorCode::yaml_limit,
               "the nesting is deeper than " + std::to_string(kMaxDepth) + " levels")
             .at(one.node.span_));
  }
  const std::string_view own_tag =
      one.is_mapping ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq";
  if (options_.ansible_tags && tag == "!unsafe") {
    one.is_unsafe = true;
  } else if (tag != "?" && tag != "!" && tag != own_tag) {
    const bool is_vault = options_.ansible_tags && (tag == "!vault" || tag == "!vault-encrypted");
    fail(Error(ErrorCode::yaml_syntax,
               is_vault ? "the tag '!vault' wants a block of text, found a " +
                              std::string(one.is_mapping ? "mapping" : "list")
                        : "the tag '" + shown_tag(tag) + "' is not known here")
             .at(node_span(mark))
             .hint(is_vault ? "write '!vault |' and the encrypted text below it" : ""));
  }
  if (anchor != 0) anchors_.insert_or_assign(anchor, Anchored{});
  stack_.push_back(std::move(one));
}

void Builder::OnSequenceEnd() { close(); }

void Builder::OnMapEnd() { close(); }

void Builder::close() {
  Open done = std::move(stack_.back());
  stack_.pop_back();
  if (!stack_.empty() && stack_.back().is_mapping && !stack_.back().key) refuse_as_key(done);
  if (done.is_mapping) merge_into(done);
  const std::size_t expanded = done.content.expanded;
  done.node.value_ = plain_value(done);
  done.node.content_ = std::make_shared<const Node::Content>(std::move(done.content));
  Node node = done.is_unsafe ? unsafe_copy(done.node) : std::move(done.node);
  remember(done.anchor, node, expanded);
  count(1, node.span_);
  add(std::move(node), expanded, false);
}

// `key: {{ name }}` reads as a mapping whose key is a mapping: by far the usual way to get here.
void Builder::refuse_as_key(const Open& open) {
  const bool is_template = open.is_mapping && open.offset > 0 && text_[open.offset - 1] == '{';
  if (is_template) {
    fail(Error(ErrorCode::yaml_syntax, "a value that starts with '{{' must be quoted")
             .at(cursor_.at(open.offset - 1, 2))
             .hint(quoting_hint(text_, open.offset - 1)));
  }
  fail(Error(ErrorCode::yaml_syntax,
             std::string("a ") + (open.is_mapping ? "mapping" : "list") + " cannot be a key")
           .at(open.node.span_));
}

Value Builder::plain_value(const Open& open) {
  if (!open.is_mapping) {
    List values;
    values.reserve(open.content.items.size());
    for (const Node& item : open.content.items) values.push_back(item.value_);
    return Value(std::move(values));
  }
  Map values;
  values.reserve(open.content.members.size());
  for (const Node::Member& member : open.content.members)
    values.set(member.key, member.value.value_);
  return Value(std::move(values));
}

void Builder::merge_members(std::vector<Node::Member>& merged,
                            const Node& from,
                            const SourceSpan& key_span) {
  if (!from.is_mapping()) {
    fail(Error(ErrorCode::yaml_type, "a merge key '<<' wants a mapping or a list of mappings")
             .at(from.span_)
             .related(key_span, "merged here"));
  }
  merged.insert(merged.end(), from.content_->members.begin(), from.content_->members.end());
}

void Builder::tell_duplicate(const Node::Member& later, std::uint32_t first_line) {
  if (duplicate_keys == DuplicateKeys::ignore) return;
  const std::string message = "found a duplicate dict key (" + to_text(later.key) +
                              ") in this mapping (first at line " + std::to_string(first_line) +
                              ")";
  if (duplicate_keys == DuplicateKeys::error)
    fail(Error(ErrorCode::yaml_syntax, message).at(later.key_span));
  warnings_.push_back(Warning{message + "; the last one is used", later.key_span});
}

// Merged entries come first and lose against entries written in the mapping; of a list of mappings
// the first wins. Of a key written twice the last value wins and keeps the first one's place, as in
// a Python dict.
void Builder::merge_into(Open& open) {
  std::vector<Node::Member> all;
  for (const PendingMerge& merge : open.merges) {
    if (merge.from.is_sequence()) {
      const std::vector<Node>& sources = merge.from.content_->items;
      for (auto source = sources.rbegin(); source != sources.rend(); ++source)
        merge_members(all, *source, merge.key_span);
    } else {
      merge_members(all, merge.from, merge.key_span);
    }
  }
  const std::size_t merged = all.size();
  all.insert(all.end(),
             std::make_move_iterator(open.content.members.begin()),
             std::make_move_iterator(open.content.members.end()));
  std::unordered_map<Value, std::size_t, ValueHash> seen;
  std::vector<Node::Member> unique;
  std::vector<bool> written_here;
  unique.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [entry, is_new] = seen.try_emplace(all[i].key, unique.size());
    if (is_new) {
      unique.push_back(std::move(all[i]));
      written_here.push_back(i >= merged);
      continue;
    }
    Node::Member& earlier = unique[entry->second];
    if (i >= merged && written_here[entry->second]) tell_duplicate(all[i], earlier.key_span.line);
    written_here[entry->second] = i >= merged;
    earlier.value = std::move(
        all[i].value);  // the first key stays, as in a Python dict: {1: a, true: b} is {1: b}
    earlier.key_span = all[i].key_span;
  }
  open.content.members = std::move(unique);
}

void Builder::count(std::size_t nodes, const SourceSpan& span) {
  nodes_ += nodes;
  if (nodes_ > kMaxNodes) {
    fail(Error(ErrorCode::yaml_limit,
               "with its aliases expanded the document has more than " + std::to_string(kMaxNodes) +
                   " nodes")
             .at(span));
  }
}

void Builder::remember(YAML::anchor_t anchor, const Node& node, std::size_t expanded) {
  if (anchor != 0) anchors_.insert_or_assign(anchor, Anchored{node, expanded, false});
}

void Builder::add(Node node, std::size_t expanded, bool is_plain_scalar) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = stack_.back();
  parent.content.expanded += expanded;
  if (!parent.is_mapping) {
    parent.content.items.push_back(std::move(node));
    return;
  }
  if (parent.key) {
    add_member(parent, std::move(node));
    return;
  }
  if (node.content_)
    fail(Error(ErrorCode::yaml_syntax, "an alias of a list or mapping cannot be a key")
             .at(node.span_));
  parent.key_is_merge = is_plain_scalar && node.is_scalar() && node.value_.is_string() &&
                        node.value_.as_string() == "<<";
  parent.key = std::move(node);
}

void Builder::add_member(Open& open, Node value) {
  Node key = std::move(*open.key);
  open.key.reset();
  if (open.key_is_merge) {
    if (!value.is_mapping() && !value.is_sequence()) {
      fail(Error(ErrorCode::yaml_type, "a merge key '<<' wants a mapping or a list of mappings")
               .at(value.span_));
    }
    open.merges.push_back(PendingMerge{std::move(value), key.span_});
    return;
  }
  open.content.members.push_back(Node::Member{std::move(key.value_), key.span_, std::move(value)});
}

// `!unsafe` reaches everything below, aliases included, so that no part of it is ever taken for a
// template.
Node Builder::unsafe_copy(const Node& node) const {
  Node copy = node;
  if (node.is_scalar() && node.value_.is_string()) copy.value_.mark(Mark::unsafe);
  if (!node.content_) return copy;
  Open rebuilt;
  rebuilt.is_mapping = node.is_mapping();
  rebuilt.content.expanded = node.content_->expanded;
  for (const Node& item : node.content_->items) rebuilt.content.items.push_back(unsafe_copy(item));
  for (const Node::Member& member : node.content_->members) {
    rebuilt.content.members.push_back(
        Node::Member{member.key, member.key_span, unsafe_copy(member.value)});
  }
  copy.value_ = plain_value(rebuilt).mark(Mark::unsafe);
  copy.content_ = std::make_shared<const Node::Content>(std::move(rebuilt.content));
  return copy;
}

}  // namespace gpustack::yaml
