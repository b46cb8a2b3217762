//! The views as whoever asks sees them: given these events, this is shown.

mod graphs;
mod history;
mod laws;
mod queries;
