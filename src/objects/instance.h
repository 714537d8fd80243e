// SPDX-License-Identifier: MIT
// instance.h: attributes of instances: shapes with values, or a dict
#ifndef CEDE_OBJECTS_INSTANCE_H
#define CEDE_OBJECTS_INSTANCE_H

#include "core/vm.h"

// Instances of a class whose __init__ assigns the same names in the same order share one Shape: a list of names. The instance
// holds just its Shape and the values. A shape is immutable; adding a name follows (or makes) a transition to a child. Each type has
// its own root shape and owns the whole tree: shapes live as long as the type, instances and caches just point at them. Whoever asks for
// `__dict__` turns the attributes into a real Dict, which from then on is the truth.
//
//    shape != NULL                    values[i] belongs to shape's name number i (NO_VALUE: deleted)
//    shape == NULL, dict != NO_VALUE  materialised
//    both empty                       no attributes yet
typedef struct AttributeHead {
  Shape *shape;                                  // belongs to the type's tree
  Value *values;                                 // own block, or inline room behind the object
  uint32_t capacity;                             // of values
  uint32_t inline_capacity;                      // room behind the object (what it was allocated with)
  Value dict;                                    // owned Dict
} AttributeHead;

struct Shape {
  uint32_t id;                                   // unique in the VM, never reused: caches compare it
  uint32_t count;                                // names, the parents' included
  uint32_t transition_count, transition_capacity;
  Shape *parent;                                 // NULL for a root
  Value name;                                    // owned; the last name; NO_VALUE for a root
  uint32_t tree_size;                            // of a root: shapes in its tree; a tree that grows too big stops growing
  Shape *root;
  Shape **transitions;                           // children
  uint32_t *index;                               // lazily built hash index from name to number; NULL for few names
  uint32_t index_mask;
  Value *names;                                  // names in order, borrowed from the chain; built with `index`
};

// An instance of a class written in Python over `object`.
struct Instance { Object head; AttributeHead attributes; };

// Subclasses of variable-size types (int, tuple, bytes, str) keep what they add behind the items. Offsets of added storage count as if
// the native part had its spec's basicsize; this is the distance to add.
static inline size_t cd_round8(size_t n) { return (n + 7) & ~(size_t)7; }
static inline size_t cd_extra(Object *object)
{
  Type *type = object->type;
  return type->flags & TYPE_EXTRA_AT_END ? cd_round8(type->slots.alloc_size(object)) - cd_round8(type->spec->basicsize) : 0;
}
// Bytes to allocate for an instance of `type` (a variable-size native type or a subclass) whose native part takes `native_size`.
static inline size_t cd_var_size(const Type *type, size_t native_size)
{
  return type->flags & TYPE_EXTRA_AT_END ? cd_round8(native_size) + type->basicsize - cd_round8(type->spec->basicsize) : native_size;
}
static inline AttributeHead *cd_attributes(Object *object)       // type has TYPE_HAS_DICT
{
  return (AttributeHead *)((char *)object + cd_extra(object) + object->type->dict_offset);
}

#define SHAPE_MISSING UINT32_MAX
// Shape after adding an interned name (made if needed); NULL: none, the instance should turn to a dict (nothing set). For STORE_ATTR
// caches.
Shape *cd_shape_child(VM *vm, Shape *shape, Value name);
Shape *cd_type_root_shape(VM *vm, Type *type);                   // NULL: MemoryError
void cd_shape_free_tree(VM *vm, Shape *root);
// Room for one more value at the end of head->values; false: MemoryError.
MUST_USE bool cd_attributes_grow(VM *vm, Object *object, AttributeHead *head);
// Turns the shape form into a dict; no change when there is one. Borrowed dict in head->dict.
MUST_USE bool cd_instance_materialise(VM *vm, Object *object);
uint32_t cd_shape_find(VM *vm, Shape *shape, Value name);        // number of an interned name, or SHAPE_MISSING; runs nothing
MUST_USE Find cd_instance_get(VM *vm, Object *object, Value name, Ref *out);
MUST_USE bool cd_instance_set(VM *vm, Object *object, Value name, Value value);
MUST_USE Find cd_instance_delete(VM *vm, Object *object, Value name);
MUST_USE Ref cd_instance_dict(VM *vm, Object *object);           // __dict__; materialises
MUST_USE bool cd_instance_set_dict(VM *vm, Object *object, Value dict);
void cd_instance_release(VM *vm, Object *object);                // drops all attributes; safe to call twice
void cd_instance_traverse(Object *object, VisitFn visit, void *context);
// A copy of the attributes as a new dict, without materialising (vars() of a debugger, __getstate__, dir()).
MUST_USE Ref cd_instance_dict_copy(VM *vm, Object *object);

#endif
