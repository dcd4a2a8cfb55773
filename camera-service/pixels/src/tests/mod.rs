mod colours;
mod frames;
mod hostile;
mod shapes;
