//! Shape, storage, tape and ops: reverse-mode differentiation over coarse operations.
