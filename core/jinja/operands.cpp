// Which variables an expression reads, for people who ask why it is true or false.
#include "core/jinja/cache.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

/// Collects chains such as `ansible_facts.os_family` and `groups['web']`, each once.
class Operands {
 public:
  void visit(const Expr* expr);
  [[nodiscard]] std::vector<std::string> take() && { return std::move(found_); }

 private:
  /// The chain as text; empty for what is none. Keys that are not literal are visited.
  std::string chain(const Expr& expr);
  void visit(const Arguments& arguments);

  std::vector<std::string> found_;
};

std::string Operands::chain(const Expr& expr) {
  if (expr.kind == ExprKind::name) return name_text(static_cast<const NameExpr&>(expr).name);
  if (expr.kind == ExprKind::attribute) {
    const auto& attribute = static_cast<const AttributeExpr&>(expr);
    std::string object = chain(*attribute.object);
    if (!object.empty()) object.append(".").append(*attribute.name);
    return object;
  }
  if (expr.kind != ExprKind::item) return {};
  const auto& item = static_cast<const ItemExpr&>(expr);
  if (item.key->kind != ExprKind::constant) return {};
  std::string object = chain(*item.object);
  if (object.empty()) return object;
  return object + "[" + to_repr(*static_cast<const ConstantExpr&>(*item.key).value) + "]";
}

void Operands::visit(const Arguments& arguments) {
  for (const Expr* one : arguments.positional) visit(one);
  for (const KeywordArgument& one : arguments.named) visit(one.value);
  visit(arguments.star);
  visit(arguments.double_star);
}

void Operands::visit(const Expr* expr) {
  if (expr == nullptr) return;
  if (std::string text = chain(*expr); !text.empty()) {
    if (std::ranges::find(found_, text) == found_.end()) found_.push_back(std::move(text));
    return;
  }
  switch (expr->kind) {
    case ExprKind::constant:
    case ExprKind::name:
      return;
    case ExprKind::attribute:
      return visit(static_cast<const AttributeExpr*>(expr)->object);
    case ExprKind::item:
      visit(static_cast<const ItemExpr*>(expr)->object);
      return visit(static_cast<const ItemExpr*>(expr)->key);
    case ExprKind::slice:
      return visit(static_cast<const SliceExpr*>(expr)->object);
    case ExprKind::call: {
      const auto& call = static_cast<const CallExpr&>(*expr);
      // Of a method, the object is what is read; of a function, its arguments alone.
      if (call.callee->kind == ExprKind::attribute)
        visit(static_cast<const AttributeExpr*>(call.callee)->object);
      return visit(call.arguments);
    }
    case ExprKind::filter:
      visit(static_cast<const FilterExpr*>(expr)->input);
      return visit(static_cast<const FilterExpr*>(expr)->arguments);
    case ExprKind::test:
      visit(static_cast<const TestExpr*>(expr)->input);
      return visit(static_cast<const TestExpr*>(expr)->arguments);
    case ExprKind::logic_not:
    case ExprKind::negate:
    case ExprKind::positive:
      return visit(static_cast<const UnaryExpr*>(expr)->operand);
    case ExprKind::binary:
    case ExprKind::logic_and:
    case ExprKind::logic_or:
      visit(static_cast<const BinaryExpr*>(expr)->left);
      return visit(static_cast<const BinaryExpr*>(expr)->right);
    case ExprKind::compare:
      visit(static_cast<const CompareExpr*>(expr)->left);
      for (const CompareStep& step : static_cast<const CompareExpr*>(expr)->steps)
        visit(step.right);
      return;
    case ExprKind::conditional:
      visit(static_cast<const ConditionalExpr*>(expr)->condition);
      visit(static_cast<const ConditionalExpr*>(expr)->then);
      return visit(static_cast<const ConditionalExpr*>(expr)->otherwise);
    case ExprKind::concat:
    case ExprKind::list:
    case ExprKind::tuple:
      for (const Expr* item : static_cast<const ListExpr*>(expr)->items) visit(item);
      return;
    case ExprKind::map:
      for (const auto& [key, value] : static_cast<const MapExpr*>(expr)->items) {
        visit(key);
        visit(value);
      }
      return;
  }
}

}  // namespace

std::vector<std::string> operands(const Template& expression) {
  Operands found;
  found.visit(expression.program().expression);
  return std::move(found).take();
}

}  // namespace gpustack::jinja
